using System.Security.Cryptography;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// A replica that is nobody's movie, the same on every node, with a bit flipped on purpose in every round: re-read by the very code that re-reads movies, it must be found
/// bad at that block and no other, and then be healed from another node by the very code that heals movies. Scrubs have been silently off for years elsewhere; this one has to show
/// every time that it sees and that it helps.
/// </summary>
internal sealed class Canary
{
    private const int Blocks = 16;
    private const int Size = (Blocks * BlockFormat.BlockSize) - 5000;

    // Below every version that a clock could make: no movie has it.
    private static readonly MovieVersion _version = new(1);

    private readonly Lock _writing = new();
    private readonly string _path;
    private readonly string _planted;
    private readonly byte[] _bytes = new byte[Size];
    private readonly DirectBuffers _buffers;

    public Canary(DataDirectory directory, DirectBuffers buffers)
    {
        _buffers = buffers;
        // Beside the replicas' directory, never in it: it is not listed, counted or served to clients.
        _path = Path.Combine(directory.Root, "canary");
        // Two of them: of two nodes that had planted rot in the same block at the same time, neither could heal the other.
        _planted = Path.Combine(directory.Root, "planted");
        new Random(20_260_501).NextBytes(_bytes);
        Replica = new ReplicaDescription(FileName.Parse("canary"), _version, Size, Checksum.Of(_bytes), DateTimeOffset.UnixEpoch, UploadId.Canary, "");
    }

    /// <summary>What it is; another node's is the same.</summary>
    public ReplicaDescription Replica { get; }

    public static bool Is(MovieVersion version) => version == _version;

    /// <summary>Plants rot, and reads.</summary>
    /// <returns>Null when exactly the planted rot was found; else what is wrong.</returns>
    public async Task<string?> SingAsync(CancellationToken cancellation)
    {
        // Nobody's data: what others are healed from is simply written again where it does not read well.
        if (await FirstBadAsync(_path, cancellation) is not null) Write(_path);
        Write(_planted);
        var planted = RandomNumberGenerator.GetInt32(Blocks);
        Flip((planted * (long)BlockFormat.BlockSize) + RandomNumberGenerator.GetInt32(1000));
        return await FirstBadAsync(_planted, cancellation) is var found && found == planted
            ? null
            : found is null ? $"rot planted in block {planted} was not found" : $"rot was planted in block {planted} and found in block {found}";
    }

    /// <summary>The whole one, for other nodes; null: it was not written yet, and cannot be.</summary>
    public ReplicaReader? Open()
    {
        try
        {
            if (!File.Exists(_path)) Write(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return Open(_path);
    }

    /// <summary>The one with the planted rot, for its good blocks.</summary>
    public ReplicaReader? OpenPlanted() => Open(_planted);

    /// <summary>Puts healed bytes in its place.</summary>
    public void Install(string part)
    {
        lock (_writing)
        {
            File.Move(part + Sidecars.Blocks, _planted + Sidecars.Blocks, overwrite: true);
            File.Move(part, _planted, overwrite: true);
        }
    }

    /// <summary>Makes it whole without asking anybody: where there is nobody.</summary>
    public void Mend() => Write(_planted);

    private void Write(string path)
    {
        lock (_writing)
        {
            File.WriteAllBytes(path, _bytes);
            using var blocks = new BlockSidecarWriter(path + Sidecars.Blocks);
            blocks.Append(_bytes);
            blocks.Complete(Replica);
        }
    }

    /// <summary>The first block that does not read well where rot was planted; null: it is whole.</summary>
    public Task<long?> FirstBadAsync(CancellationToken cancellation) => FirstBadAsync(_planted, cancellation);

    private ReplicaReader? Open(string path) => ReplicaReader.Open(path, new HeldReplica(new ReplicaReport(Replica, Damaged: false, Verified: true), 0));

    private async Task<long?> FirstBadAsync(string path, CancellationToken cancellation)
    {
        using var reader = Open(path);
        // As the scrub reads.
        reader?.ReadOnce(_buffers);
        var buffer = new byte[BlockFormat.BlockSize];
        for (var block = 0; block < Blocks; block++)
        {
            var length = Math.Min(BlockFormat.BlockSize, Size - (block * BlockFormat.BlockSize));
            if (reader is null || (await reader.ReadAsync(block, buffer.AsMemory(0, length), cancellation)).Fault != BlockFault.None) return block;
        }

        return null;
    }

    private void Flip(long at)
    {
        using var file = File.OpenHandle(_planted, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(file, [(byte)(_bytes[at] ^ 0x10)], at);
    }
}
