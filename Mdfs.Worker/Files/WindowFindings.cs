using Mdfs.Protocol.Versions;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>What becomes of a bad block that was met while a window was sent, and of a replica that cannot be opened.</summary>
internal sealed class WindowFindings(Inventory inventory, KeptReaders readers, DamageDesk damage, VerifyQueue verifies, FreshBlocks fresh)
{
    /// <summary>Opens a replica. Null: it is not here; or it should be and is not, and then re-reading tells so: nobody who waits for bytes waits for that.</summary>
    /// <param name="once">For a copy, after which it is not soon read again.</param>
    public ReplicaReader? Open(MovieVersion version, bool once = false)
    {
        if (readers.Open(version, once) is { } reader) return reader;
        if (inventory.TryGet(version, out var held) && !held.Report.Damaged) verifies.Add(version);
        return null;
    }

    /// <param name="window">It stands at the block.</param>
    public void Report(ReplicaWindow window, BlockFault fault)
    {
        var block = window.Position / BlockFormat.BlockSize;
        fresh.Forget(window.Reader.Held);
        if (fault == BlockFault.Bytes) damage.Report(window.Reader.Held, $"block {block} does not agree with its checksum");
        // Nothing is known against the bytes: re-reading all of them decides, and mends the sidecar if they are good.
        else verifies.Add(window.Reader.Version);
    }
}
