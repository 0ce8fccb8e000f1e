using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>What becomes of a bad block that was met while a window was sent.</summary>
internal sealed class WindowFindings(DamageDesk damage, VerifyQueue verifies, FreshBlocks fresh)
{
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
