using Mdfs.ServiceDefaults.Bytes;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>Good bytes in the memory that was given, and whether a bad block follows them within the window.</summary>
internal readonly record struct WindowPiece(int Skip, int Count, BlockFault Fault);

/// <summary>
/// What of a replica is left to be sent. What has a checksum is read whole, also where only some of it is wanted: a part of a block, or a block, where it is noted which ones are good. Not for two threads at once.
/// </summary>
internal sealed class ReplicaWindow(ReplicaReader reader, FreshBlocks.Replica? fresh, long from, long length)
{
    // Long runs in one go, but not so long that a block gets old in the middle of one.
    private const long MostRun = 256;
    private FreshBlocks.Replica? _fresh = fresh;

    public ReplicaReader Reader => reader;

    public long Position { get; private set; } = from;

    public long Left { get; private set; } = length;

    /// <summary>Bytes to read first: everything, where that is little, so that a small range that is not aligned is one piece all the same.</summary>
    public int First => Whole() <= PieceSize.Large ? PieceSize.Large : PieceSize.Small;

    private long FirstBlock => Position / BlockFormat.BlockSize;

    private int Grain => _fresh is null ? reader.Grain : BlockFormat.BlockSize;

    // Where the next reading begins.
    private long Start => Position - (Position % Grain);

    /// <summary>Bytes from here on that need not be checked once more.</summary>
    public long Fresh => _fresh is { } known && Left > 0
        ? Math.Min(Left, ((FirstBlock + known.Run(FirstBlock, MostRun)) * BlockFormat.BlockSize) - Position)
        : 0;

    /// <summary>Bytes that are read next.</summary>
    public int Whole(int atMost) => (int)Math.Min(atMost, Whole());

    /// <summary>So many have been sent without being read here.</summary>
    public void Skip(long bytes)
    {
        Position += bytes;
        Left -= bytes;
    }

    /// <summary>So many of what was read last have not been sent.</summary>
    public void TakeBack(int bytes) => Skip(-bytes);

    /// <summary>The kernel cannot send this file: it is read to its end.</summary>
    public void Distrust() => _fresh = null;

    /// <summary>Reads the next blocks, and waits for the disk if need be.</summary>
    /// <param name="into">Room for whole blocks; what is beyond what is wanted is left alone.</param>
    public WindowPiece Read(Span<byte> into)
    {
        if (Left == 0) return default;
        into = into[..Whole(into.Length)];
        return Take(reader.ReadFrom(Start, into, Grain));
    }

    /// <summary>As <see cref="Read"/>, but only if nobody has to be waited for.</summary>
    public bool TryRead(Span<byte> into, out WindowPiece piece)
    {
        piece = default;
        if (Left == 0) return true;
        into = into[..Whole(into.Length)];
        if (!reader.TryReadFrom(Start, into, Grain, out var read)) return false;
        piece = Take(read);
        return true;
    }

    private WindowPiece Take(BlockRead read)
    {
        _fresh?.Note(FirstBlock, BlockFormat.BlockCount(read.Good));
        var skip = (int)(Position - Start);
        var wanted = (int)Math.Clamp(read.Good - skip, 0, Left);
        Skip(wanted);
        return new WindowPiece(skip, wanted, Left == 0 ? BlockFault.None : read.Fault);
    }

    private long Whole() => Math.Min(reader.Size, RoundUp(Position + Left)) - Start;

    private long RoundUp(long position) => (position + Grain - 1) / Grain * Grain;
}
