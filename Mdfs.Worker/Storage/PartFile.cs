using System.Buffers;
using Mdfs.Protocol.Checksums;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Bytes that are arriving: written in order, hashed as they pass, and durable once <see cref="CompleteAsync"/> has returned. Where the system can, whole pieces go past its cache
/// (<see cref="DirectFile"/>), one being written while the next fills; what is not a whole piece goes through it.
/// </summary>
internal sealed class PartFile : IAsyncDisposable
{
    // The kernel would let gigabytes of dirty pages gather, and the final fsync would then be silent for longer than the sender waits.
    private const long FlushStep = 64L << 20;

    private const int RoomSize = 256 * 1024;
    private const int CopyBuffer = 256 * 1024;
    private const long CopyStep = 16L << 20;

    private readonly SafeFileHandle _bytes;
    private readonly BlockSidecarWriter _blocks;
    private Task _flush = Task.CompletedTask;
    private long _flushed;
    private volatile bool _doubtful;

    private readonly DirectBuffers _buffers;
    private SafeFileHandle? _direct;
    private volatile bool _throughCache;

    // A piece of the file that fills, and begins at a multiple of its size; what stands in it is hashed already.
    private DirectBuffer? _piece;
    private int _inPiece;
    private Task _writing = Task.CompletedTask;

    private byte[]? _room;

    private PartFile(SafeFileHandle bytes, BlockSidecarWriter blocks, DirectBuffers buffers)
    {
        _bytes = bytes;
        _blocks = blocks;
        _buffers = buffers;
    }

    public long Length => _blocks.Length;

    /// <summary>
    /// An fsync failed. The system gives up the pages that it could not write and goes on reading them from memory, so that what is noted of them agrees and the next fsync succeeds: nothing
    /// of this file is to be gone on from. Certain when the file is disposed.
    /// </summary>
    public bool Doubtful => _doubtful;

    /// <summary>Starts anew; what lay there is overwritten.</summary>
    /// <param name="keep">The file is there, empty, with the room that was set aside for it.</param>
    public static PartFile Create(string path, DirectBuffers buffers, bool keep = false)
    {
        var bytes = File.OpenHandle(path, keep ? FileMode.OpenOrCreate : FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        return Over(bytes, path + Sidecars.Blocks, buffers);
    }

    /// <summary>
    /// Goes on where an earlier life stopped: keeps the whole blocks that agree with what was noted of them and cuts off the rest, since a
    /// crash may have lost any page that was not fsynced.
    /// </summary>
    /// <param name="reread">Told how many bytes are known to be good, as it goes on: to re-read a large file takes minutes.</param>
    public static async Task<PartFile> ResumeAsync(string path, DirectBuffers buffers, CancellationToken cancellation, Action<long>? reread = null)
    {
        var notes = path + Sidecars.Blocks;
        if (!File.Exists(path) || !File.Exists(notes)) return Create(path, buffers);
        // What was noted stays until as much is noted anew: whoever breaks off in between, or is killed, finds it again.
        var anew = notes + Durable.Unfinished;
        var bytes = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        var part = Over(bytes, anew, buffers);
        try
        {
            using (var reader = new BlockSidecarReader(notes)) await part.KeepGoodBlocksAsync(reader, reread, cancellation);
            part._blocks.Checkpoint();
            File.Move(anew, notes, overwrite: true);
            return part;
        }
        catch
        {
            await part.DisposeAsync();
            File.Delete(anew);
            throw;
        }
    }

    /// <summary>
    /// Goes on exactly at an offset, and cuts off what lies behind it. Null: what lies here is shorter, or its first bytes are not those with
    /// that checksum.
    /// </summary>
    /// <param name="expected">CRC-32 of the bytes in front of the offset.</param>
    /// <param name="ofParts">CRC-32 of the whole parts of blocks among them, where it is still known; else the noted checksums of all of them are read.</param>
    public static async Task<PartFile?> ReopenAsync(string path, long offset, Checksum expected, Checksum? ofParts, DirectBuffers buffers, CancellationToken cancellation)
    {
        var bytes = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        PartFile? part = null;
        try
        {
            part = new PartFile(bytes, BlockSidecarWriter.Reopen(path + Sidecars.Blocks), buffers);
            if (RandomAccess.GetLength(bytes) < offset) return null;
            await part.TakeAsync(path, offset, ofParts, cancellation);
            if (part.Checksum != expected) return null;
            RandomAccess.SetLength(bytes, offset);
            part._flushed = offset;
            var good = part;
            part = null;
            return good;
        }
        finally
        {
            if (part is not null) await part.DisposeAsync();
        }
    }

    /// <summary>Has the file system set aside the room for the whole; false: there is none.</summary>
    public bool TryAllocate(SpaceReservation reservation, long size) => size <= Length || reservation.TryAllocate(_bytes, size);

    /// <summary>CRC-32 of all bytes so far.</summary>
    public Checksum Checksum => _blocks.OfAll;

    /// <summary>CRC-32 of the whole parts of blocks so far.</summary>
    public Checksum OfParts => _blocks.OfParts;

    /// <summary>Memory into which the next bytes may be put, for <see cref="AdvanceAsync"/>; never empty. What was put there before is gone.</summary>
    public Memory<byte> Room()
    {
        if (_piece is null && !TryBeginPiece())
        {
            _room ??= ArrayPool<byte>.Shared.Rent(RoomSize);
            return _room.AsMemory(0, (int)Math.Min(RoomSize, ToNextPiece));
        }

        return _piece!.Memory.Slice(_inPiece, Math.Min(RoomSize, DirectBuffer.Size - _inPiece));
    }

    /// <summary>So many bytes stand in what <see cref="Room"/> gave.</summary>
    public async ValueTask AdvanceAsync(int count, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_piece is null)
        {
            await WriteAsync(_room.AsMemory(0, count));
            return;
        }

        // Hashed before the piece is passed on: from then on its memory is somebody else's.
        _blocks.Append(_piece.Memory.Span.Slice(_inPiece, count));
        _inPiece += count;
        if (_inPiece == DirectBuffer.Size) await PassOnAsync();
        await FlushStepAsync();
    }

    public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        while (!bytes.IsEmpty)
        {
            int count;
            if (_piece is null && !TryBeginPiece())
            {
                count = (int)Math.Min(bytes.Length, ToNextPiece);
                await WriteAsync(bytes[..count]);
            }
            else
            {
                var room = Room();
                count = Math.Min(bytes.Length, room.Length);
                bytes[..count].CopyTo(room);
                await AdvanceAsync(count, cancellation);
            }

            bytes = bytes[count..];
        }
    }

    /// <summary>
    /// Appends a run of another file. The bytes are copied inside the kernel where that is possible, and read once to be hashed: where a block ends here is not where one ended
    /// there.
    /// </summary>
    public async Task AppendAsync(SafeFileHandle from, long length, CancellationToken cancellation)
    {
        await EndPieceAsync();
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            // In steps: what was just copied is still in memory when it is read, and a cancellation is heard.
            for (long at = 0, ahead = 0; at < length;)
            {
                while (ahead < Math.Min(at + CopyStep, length))
                {
                    var copied = FileCopy.TryCopy(from, ahead, _bytes, _blocks.Length + (ahead - at), Math.Min(at + CopyStep, length) - ahead);
                    if (copied == 0) break;
                    ahead += copied;
                }

                var read = await RandomAccess.ReadAsync(from, buffer.AsMemory(0, (int)Math.Min(CopyBuffer, length - at)), at, cancellation);
                if (read == 0) throw new EndOfStreamException($"A part ended {length - at} bytes early.");
                // Overlaps what the kernel has copied already only where it could not copy all.
                if (ahead >= at + read) await NoteAsync(buffer.AsMemory(0, read));
                else await WriteAsync(buffer.AsMemory(0, read));
                cancellation.ThrowIfCancellationRequested();
                at += read;
                ahead = Math.Max(ahead, at);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Notes how far it came, so that a later life can go on from here.</summary>
    public async Task CheckpointAsync()
    {
        await EndPieceAsync();
        _blocks.Checkpoint();
    }

    /// <summary>All bytes so far, and what is noted of them, are fsynced when this returns. The file goes on.</summary>
    public async Task FlushAsync()
    {
        await EndPieceAsync();
        await _flush;
        _blocks.Checkpoint();
        await SyncAsync();
        _flushed = _blocks.Length;
    }

    /// <summary>Ends the file. Bytes and block checksums are fsynced when this returns; the directory is not.</summary>
    /// <returns>The CRC-32 of the whole.</returns>
    public async Task<Checksum> CompleteAsync()
    {
        await EndPieceAsync();
        await _flush;
        var checksum = _blocks.Complete();
        await SyncAsync();
        return checksum;
    }

    public async ValueTask DisposeAsync()
    {
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _piece?.Dispose();
        if (_room is not null) ArrayPool<byte>.Shared.Return(_room);
        _room = null;
        _direct?.Dispose();
        _blocks.Dispose();
        _bytes.Dispose();
    }

    // Of what is written as it comes only so much that a piece can begin behind it.
    private long ToNextPiece => _throughCache ? long.MaxValue : DirectBuffer.Size - (_blocks.Length % DirectBuffer.Size);

    private bool TryBeginPiece()
    {
        if (_throughCache || _blocks.Length % DirectBuffer.Size != 0) return false;
        _direct ??= _buffers.TryReopen(_bytes, write: true);
        _throughCache = _direct is null;
        return !_throughCache && (_piece = _buffers.TryRent()) is not null;
    }

    private async ValueTask PassOnAsync()
    {
        // Extending a file is done one after the other by the system in any case, and so there are two pieces at most.
        await _writing;
        var whole = _piece!;
        (_piece, _inPiece) = (null, 0);
        _writing = WriteAsync(whole, _blocks.Length - DirectBuffer.Size);
    }

    private async Task WriteAsync(DirectBuffer piece, long from)
    {
        using (piece)
        {
            try
            {
                await RandomAccess.WriteAsync(_direct!, piece.Memory, from);
            }
            catch (IOException error) when (!Durable.IsDiskFull(error))
            {
                // Some file systems open such a file and then refuse. Should the disk be at fault, the other way will say so, or the fsync behind it.
                _throughCache = true;
                RandomAccess.Write(_bytes, piece.Memory.Span, from);
            }
        }
    }

    // All bytes stand in the file. What began is less than a piece, and the next one begins at the next multiple.
    private async ValueTask EndPieceAsync()
    {
        await _writing;
        if (_piece is null) return;
        RandomAccess.Write(_bytes, _piece.Memory.Span[.._inPiece], _blocks.Length - _inPiece);
        _piece.Dispose();
        (_piece, _inPiece) = (null, 0);
    }

    private ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        // On this thread: it occupies one in any case, and mostly it is a copy into the system's cache.
        RandomAccess.Write(_bytes, bytes.Span, _blocks.Length);
        return NoteAsync(bytes);
    }

    // The bytes stand in the file.
    private ValueTask NoteAsync(ReadOnlyMemory<byte> bytes)
    {
        _blocks.Append(bytes.Span);
        return FlushStepAsync();
    }

    private async ValueTask FlushStepAsync()
    {
        if (_blocks.Length - _flushed < FlushStep) return;
        _flushed = _blocks.Length;
        // Waiting for the flush before slows the sender down to the disk, so never more than two steps are dirty.
        await _flush;
        _blocks.Checkpoint();
        _flush = SyncAsync();
    }

    private async Task SyncAsync()
    {
        try
        {
            await Task.WhenAll(Durable.FlushAsync(_bytes), _blocks.FlushAsync());
        }
        catch
        {
            _doubtful = true;
            throw;
        }
    }

    private static PartFile Over(SafeFileHandle bytes, string blocks, DirectBuffers buffers)
    {
        try
        {
            return new PartFile(bytes, new BlockSidecarWriter(blocks), buffers);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private async Task TakeAsync(string path, long offset, Checksum? ofParts, CancellationToken cancellation)
    {
        var (parts, tail) = Math.DivRem(offset, BlockFormat.PartSize);
        using var notes = new BlockSidecarReader(path + Sidecars.Blocks);
        var first = parts - (parts % BlockLayout.Parts.PerPage);
        // Of bytes whose page is torn nothing is known but what they are now: then all are taken, and what they come to is compared.
        if (first < parts && !IsNoted(first, out _)) ofParts = null;
        if (ofParts is null) first = 0;
        var buffer = ArrayPool<byte>.Shared.Rent(BlockFormat.PartSize);
        try
        {
            _blocks.Skip(first);
            for (var number = first; number < parts; number++)
            {
                // The bytes under such a page were fsynced, and are hashed again.
                if (!IsNoted(number, out var checksum)) checksum = Protocol.Checksums.Checksum.Of((await ReadAsync(number, BlockFormat.PartSize)).Span).Value;
                _blocks.Take(checksum);
            }

            if (ofParts is { } known) _blocks.Correct(known);
            if (tail > 0) _blocks.Append((await ReadAsync(parts, (int)tail)).Span);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        // Not where a crash has torn the page, nor in an older layout.
        bool IsNoted(long part, out uint checksum)
        {
            checksum = 0;
            return notes.Grain == BlockFormat.PartSize && notes.TryGet(part * BlockFormat.PartSize, out checksum);
        }

        async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long part, int length)
        {
            var read = await RandomAccess.ReadAsync(_bytes, buffer.AsMemory(0, length), part * BlockFormat.PartSize, cancellation);
            return buffer.AsMemory(0, read);
        }
    }

    private async Task KeepGoodBlocksAsync(BlockSidecarReader notes, Action<long>? reread, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockFormat.BlockSize);
        try
        {
            var block = buffer.AsMemory(0, BlockFormat.BlockSize);
            for (var from = 0L; notes.TryGet(from, out _); from += BlockFormat.BlockSize)
            {
                var read = await TryReadAsync(block, from, cancellation);
                if (notes.Check(from, block.Span, read).Fault != BlockFault.None) break;
                _blocks.Append(block.Span);
                reread?.Invoke(_blocks.Length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        RandomAccess.SetLength(_bytes, _blocks.Length);
        _flushed = _blocks.Length;
    }

    // What the disk does not give out again did not come: it is fetched once more, and not asked for in vain by every attempt.
    private async ValueTask<int> TryReadAsync(Memory<byte> into, long from, CancellationToken cancellation)
    {
        try
        {
            return await RandomAccess.ReadAsync(_bytes, into, from, cancellation);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
