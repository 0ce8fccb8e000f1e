using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Loops;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

internal enum BlockFault
{
    None,

    /// <summary>The bytes do not agree with their checksum, or are not there.</summary>
    Bytes,

    /// <summary>The checksum itself cannot be read, so nothing is known about the bytes.</summary>
    Sidecar,
}

/// <param name="Good">Bytes from the start of the buffer that were checked and found good.</param>
internal readonly record struct BlockRead(int Good, BlockFault Fault);

/// <summary>
/// Reads blocks of one replica, or parts of them, and checks each before anybody else sees it (design, section 2.3). Keeps its files open: a replica
/// that is deleted or replaced meanwhile is read to its end.
/// </summary>
internal sealed class ReplicaReader : IDisposable
{
    private readonly SafeFileHandle _bytes;
    private readonly BlockSidecarReader _blocks;
    private readonly KeptReaders? _keeper;

    private SafeFileHandle? _onDisk;
    private DirectBuffers? _buffers;
    private bool _once;

    // What was read past the system's cache and not asked for yet.
    private DirectBuffer? _ahead;
    private long _aheadFrom;
    private int _aheadLength;

    private ReplicaReader(HeldReplica held, SafeFileHandle bytes, BlockSidecarReader blocks, KeptReaders? keeper)
    {
        Held = held;
        _bytes = bytes;
        _blocks = blocks;
        _keeper = keeper;
        Opened = keeper?.Now ?? 0;
    }

    /// <summary>What was read, with the generation of its files.</summary>
    public HeldReplica Held { get; }

    /// <summary>To be sent by the kernel.</summary>
    public SafeFileHandle Bytes => _bytes;

    public MovieVersion Version => Held.Report.Replica.Version;

    public long Size => Held.Report.Replica.Size;

    /// <summary>When, by the clock of whoever keeps it.</summary>
    public long Opened { get; }

    /// <summary>Nothing bad was met so far.</summary>
    public bool IsSound { get; private set; } = true;

    /// <summary>
    /// What is read is not soon read again, as for a copy on another node: it is read past the system's cache, so that it pushes nothing out of it.
    /// </summary>
    public void ReadOnce(DirectBuffers buffers)
    {
        _buffers = buffers;
        _onDisk ??= buffers.TryReopen(_bytes, write: false);
        _once = _onDisk is not null;
    }

    /// <summary>Null: the file is gone, or the disk does not give it out.</summary>
    /// <param name="keeper">Gets it when it has been read, for the next who reads the same.</param>
    public static ReplicaReader? Open(string path, HeldReplica held, KeptReaders? keeper = null) =>
        TryOpen(path) is { } bytes ? new ReplicaReader(held, bytes, new BlockSidecarReader(path + Sidecars.Blocks), keeper) : null;

    /// <summary>The bytes of a replica. Null: the file is gone, or the disk does not give it out, which comes to the same: they cannot be read.</summary>
    /// <exception cref="IOException">That could not be found out (<see cref="Durable.IsOfTheMoment"/>).</exception>
    public static SafeFileHandle? TryOpen(string path, FileOptions options = FileOptions.None)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, options);
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException error) when (!Durable.IsOfTheMoment(error))
        {
            return null;
        }
    }

    /// <summary>Positions that a reading may begin at are multiples of this, and what is checked is a whole number of it: a part of a block, where each has a checksum.</summary>
    public int Grain => _blocks.Grain;

    /// <summary>As <see cref="Read"/>, unless it is cancelled.</summary>
    public ValueTask<BlockRead> ReadAsync(long firstBlock, Memory<byte> buffer, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested ? ValueTask.FromCanceled<BlockRead>(cancellation) : new ValueTask<BlockRead>(Read(firstBlock, buffer.Span));

    /// <summary>
    /// Reads from the start of a block; the buffer holds a whole number of blocks, or ends with the replica. On the caller's thread: a read of a file occupies a thread in any case, since
    /// the system has no other kind, and for what is in memory already, as most of what is played is, handing it to another thread costs more than the reading.
    /// </summary>
    public BlockRead Read(long firstBlock, Span<byte> buffer) => ReadFrom(firstBlock * BlockFormat.BlockSize, buffer, BlockFormat.BlockSize);

    /// <summary>As <see cref="Read"/>, of parts of blocks.</summary>
    /// <param name="from">A multiple of the grain, as the buffer's length is, unless it ends with the replica.</param>
    /// <param name="grain">What is good as a whole or not at all: <see cref="Grain"/>, or a block.</param>
    public BlockRead ReadFrom(long from, Span<byte> buffer, int grain) => Judge(ReadAndCheck(from, buffer), grain);

    /// <summary>As <see cref="ReadFrom"/>, of as much as is in memory, so that nobody has to be waited for; false: nothing is, or that cannot be told here.</summary>
    public bool TryReadFrom(long from, Span<byte> buffer, int grain, out BlockRead read)
    {
        read = default;
        if (_blocks.Prepare(from) is not (> 0 and var known)) return false;
        if (known < buffer.Length) buffer = buffer[..(int)known];
        if (_once)
        {
            // Not what is in the system's cache: looking there makes it read ahead, and the whole movie would follow.
            if (from < _aheadFrom || from + buffer.Length > _aheadFrom + _aheadLength) return false;
            read = ReadFrom(from, buffer, grain);
            return true;
        }

        var cached = CachedFile.Read(_bytes, buffer, from);
        if (cached < buffer.Length) cached -= cached % grain;
        if (cached == 0) return false;
        read = Judge(_blocks.Check(from, buffer[..cached], cached), grain);
        return true;
    }

    /// <summary>Reads no more. Its files are closed, unless somebody keeps it.</summary>
    public void Dispose()
    {
        _ahead?.Dispose();
        (_ahead, _aheadLength, _once) = (null, 0, false);
        if (_keeper?.TryKeep(this) != true) Close();
    }

    /// <summary>For whoever keeps it.</summary>
    public void Close()
    {
        _bytes.Dispose();
        _onDisk?.Dispose();
        _blocks.Dispose();
    }

    private BlockRead Judge(BlockRead read, int grain)
    {
        if (read.Fault == BlockFault.None) return read;
        IsSound = false;
        return read with { Good = read.Good - (read.Good % grain) };
    }

    private int ReadBytes(long from, Span<byte> into)
    {
        if (_once && ReadOnDisk(from, into) is > 0 and var read) return read;
        return RandomAccess.Read(_bytes, into, from);
    }

    // 0: the other way is taken, which tells an end from a fault.
    private int ReadOnDisk(long from, Span<byte> into)
    {
        _ahead ??= _buffers!.TryRent();
        if (_ahead is not { } ahead) return 0;
        if (from < _aheadFrom || from >= _aheadFrom + _aheadLength)
        {
            (_aheadFrom, _aheadLength) = (from, 0);
            try
            {
                if (from % DirectFile.Alignment == 0) _aheadLength = RandomAccess.Read(_onDisk!, ahead.Memory.Span, from);
            }
            catch (IOException)
            {
                _once = false;
            }
        }

        var at = (int)(from - _aheadFrom);
        var count = Math.Min(into.Length, _aheadLength - at);
        ahead.Memory.Span.Slice(at, count).CopyTo(into);
        return count;
    }

    private BlockRead ReadAndCheck(long from, Span<byte> buffer)
    {
        var filled = 0;
        try
        {
            while (filled < buffer.Length)
            {
                var read = ReadBytes(from + filled, buffer[filled..]);
                if (read == 0) break;
                filled += read;
            }
        }
        catch (IOException)
        {
            // An unreadable sector somewhere in the buffer: it is read again part by part, so the good ones before it still count.
            if (buffer.Length <= Grain) return new BlockRead(0, BlockFault.Bytes);
            return ReadSingly(from, buffer);
        }

        return _blocks.Check(from, buffer, filled);
    }

    private BlockRead ReadSingly(long from, Span<byte> buffer)
    {
        var good = 0;
        while (good < buffer.Length)
        {
            var one = ReadAndCheck(from + good, buffer.Slice(good, Math.Min(Grain, buffer.Length - good)));
            good += one.Good;
            if (one.Fault != BlockFault.None) return new BlockRead(good, one.Fault);
        }

        return new BlockRead(good, BlockFault.None);
    }
}
