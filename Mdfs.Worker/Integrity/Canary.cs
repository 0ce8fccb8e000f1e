using System.Security.Cryptography;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// A replica that is nobody's movie, with a bit flipped on purpose in every round: re-read by the very code that re-reads movies, it must be found
/// bad at that block and no other. Scrubs have been silently off for years elsewhere; this one has to show every time that it sees.
/// </summary>
internal sealed class Canary
{
    private const int Blocks = 16;
    private const int Size = (Blocks * BlockFormat.BlockSize) - 5000;

    private readonly string _path;
    private readonly HeldReplica _held;
    private readonly byte[] _bytes = new byte[Size];

    public Canary(DataDirectory directory, NodeMemory memory)
    {
        // Beside the replicas' directory, never in it: it is not listed, counted or served.
        _path = Path.Combine(directory.Root, "canary");
        // Always the same bytes on a node: so it can be made whole without asking anybody.
        var seed = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(memory.Id.Value));
        new Random(BitConverter.ToInt32(seed)).NextBytes(_bytes);
        var replica = new ReplicaDescription(
            FileName.Parse("canary"), new MovieVersion(1), Size, Checksum.Of(_bytes), DateTimeOffset.UnixEpoch, UploadId.New(), "");
        _held = new HeldReplica(new ReplicaReport(replica, Damaged: false, Verified: true), 0);
    }

    /// <summary>Plants rot, reads, and mends.</summary>
    /// <returns>Null when exactly the planted rot was found and the mended file reads whole; else what is wrong.</returns>
    public async Task<string?> SingAsync(CancellationToken cancellation)
    {
        Write();
        var planted = RandomNumberGenerator.GetInt32(Blocks);
        Flip((planted * (long)BlockFormat.BlockSize) + RandomNumberGenerator.GetInt32(1000));
        if (await FirstBadAsync(cancellation) is var found && found != planted)
            return found is null ? $"rot planted in block {planted} was not found" : $"rot was planted in block {planted} and found in block {found}";
        Write();
        return await FirstBadAsync(cancellation) is { } left ? $"the mended file is still bad in block {left}" : null;
    }

    private async Task<long?> FirstBadAsync(CancellationToken cancellation)
    {
        using var reader = ReplicaReader.Open(_path, _held);
        var buffer = new byte[BlockFormat.BlockSize];
        for (var block = 0; block < Blocks; block++)
        {
            var length = Math.Min(BlockFormat.BlockSize, Size - (block * BlockFormat.BlockSize));
            if (reader is null || (await reader.ReadAsync(block, buffer.AsMemory(0, length), cancellation)).Fault != BlockFault.None) return block;
        }

        return null;
    }

    private void Write()
    {
        File.WriteAllBytes(_path, _bytes);
        using var blocks = new BlockSidecarWriter(_path + Sidecars.Blocks);
        blocks.Append(_bytes);
        blocks.Complete(_held.Report.Replica);
    }

    private void Flip(long at)
    {
        using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(file, [(byte)(_bytes[at] ^ 0x10)], at);
    }
}
