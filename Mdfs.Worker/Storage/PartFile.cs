using System.Buffers;
using Mdfs.Protocol.Checksums;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>Bytes that are arriving: written in order, hashed as they pass, and durable once <see cref="CompleteAsync"/> has returned.</summary>
internal sealed class PartFile : IAsyncDisposable
{
    // The kernel would let gigabytes of dirty pages gather, and the final fsync would then be silent for longer than the sender waits.
    private const long FlushStep = 64L << 20;

    private const int CopyBuffer = 256 * 1024;
    private const long CopyStep = 16L << 20;

    private readonly SafeFileHandle _bytes;
    private readonly BlockSidecarWriter _blocks;
    private Task _flush = Task.CompletedTask;
    private long _flushed;

    private PartFile(SafeFileHandle bytes, BlockSidecarWriter blocks)
    {
        _bytes = bytes;
        _blocks = blocks;
    }

    public long Length => _blocks.Length;

    /// <summary>Starts anew; what lay there is overwritten.</summary>
    /// <param name="keep">The file is there, empty, with the room that was set aside for it.</param>
    public static PartFile Create(string path, bool keep = false)
    {
        var bytes = File.OpenHandle(path, keep ? FileMode.OpenOrCreate : FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        return Over(bytes, path);
    }

    /// <summary>
    /// Goes on where an earlier life stopped: keeps the whole blocks that agree with what was noted of them and cuts off the rest, since a
    /// crash may have lost any page that was not fsynced.
    /// </summary>
    public static async Task<PartFile> ResumeAsync(string path, CancellationToken cancellation)
    {
        var notes = path + Sidecars.Blocks;
        if (!File.Exists(path) || !File.Exists(notes)) return Create(path);
        var earlier = notes + Durable.Unfinished;
        File.Move(notes, earlier, overwrite: true);
        var bytes = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        var part = Over(bytes, path);
        try
        {
            using (var reader = new BlockSidecarReader(earlier)) await part.KeepGoodBlocksAsync(reader, cancellation);
            File.Delete(earlier);
            return part;
        }
        catch
        {
            await part.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Goes on exactly at an offset, and cuts off what lies behind it. Null: what lies here is shorter, or its first bytes are not those with
    /// that checksum.
    /// </summary>
    /// <param name="expected">CRC-32 of the bytes in front of the offset.</param>
    /// <param name="ofBlocks">CRC-32 of the whole blocks among them, where it is still known; else the noted checksums of all blocks are read.</param>
    public static async Task<PartFile?> ReopenAsync(string path, long offset, Checksum expected, Checksum? ofBlocks, CancellationToken cancellation)
    {
        var bytes = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        PartFile? part = null;
        try
        {
            part = new PartFile(bytes, BlockSidecarWriter.Reopen(path + Sidecars.Blocks));
            if (RandomAccess.GetLength(bytes) < offset) return null;
            await part.TakeAsync(path, offset, ofBlocks, cancellation);
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

    /// <summary>CRC-32 of the whole blocks so far.</summary>
    public Checksum OfBlocks => _blocks.OfBlocks;

    public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        // On this thread: writing to a file occupies one in any case, and mostly it is a copy into the page cache.
        RandomAccess.Write(_bytes, bytes.Span, _blocks.Length);
        await NoteAsync(bytes);
    }

    // The bytes stand in the file.
    private async ValueTask NoteAsync(ReadOnlyMemory<byte> bytes)
    {
        _blocks.Append(bytes.Span);
        if (_blocks.Length - _flushed < FlushStep) return;
        _flushed = _blocks.Length;
        // Waiting for the flush before slows the sender down to the disk, so never more than two steps are dirty.
        await _flush;
        _blocks.Checkpoint();
        _flush = Task.WhenAll(Durable.FlushAsync(_bytes), _blocks.FlushAsync());
    }

    /// <summary>
    /// Appends a run of another file. The bytes are copied inside the kernel where that is possible, and read once to be hashed: where a block ends here is not where one ended
    /// there.
    /// </summary>
    public async Task AppendAsync(SafeFileHandle from, long length, CancellationToken cancellation)
    {
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
                else await AppendAsync(buffer.AsMemory(0, read), cancellation);
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
    public void Checkpoint() => _blocks.Checkpoint();

    /// <summary>All bytes so far, and what is noted of them, are fsynced when this returns. The file goes on.</summary>
    public async Task FlushAsync()
    {
        await _flush;
        _blocks.Checkpoint();
        await Task.WhenAll(Durable.FlushAsync(_bytes), _blocks.FlushAsync());
        _flushed = _blocks.Length;
    }

    /// <summary>Ends the file. Bytes and block checksums are fsynced when this returns; the directory is not.</summary>
    /// <returns>The CRC-32 of the whole.</returns>
    public async Task<Checksum> CompleteAsync()
    {
        await _flush;
        var checksum = _blocks.Complete();
        await Task.WhenAll(Durable.FlushAsync(_bytes), _blocks.FlushAsync());
        return checksum;
    }

    public async ValueTask DisposeAsync()
    {
        await _flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _blocks.Dispose();
        _bytes.Dispose();
    }

    private static PartFile Over(SafeFileHandle bytes, string path)
    {
        try
        {
            return new PartFile(bytes, new BlockSidecarWriter(path + Sidecars.Blocks));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private async Task TakeAsync(string path, long offset, Checksum? ofBlocks, CancellationToken cancellation)
    {
        var (blocks, tail) = Math.DivRem(offset, BlockFormat.BlockSize);
        var first = ofBlocks is null ? 0 : blocks - (blocks % BlockFormat.ChecksumsPerPage);
        using var notes = new BlockSidecarReader(path + Sidecars.Blocks);
        var buffer = ArrayPool<byte>.Shared.Rent(BlockFormat.BlockSize);
        try
        {
            _blocks.Skip(first);
            for (var number = first; number < blocks; number++)
            {
                // A page that was torn by a crash: the bytes under it were fsynced, and are hashed again.
                if (!notes.TryGet(number, out var checksum)) checksum = Protocol.Checksums.Checksum.Of((await ReadAsync(number, BlockFormat.BlockSize)).Span).Value;
                _blocks.Take(checksum);
            }

            if (ofBlocks is { } known) _blocks.Correct(known);
            if (tail > 0) _blocks.Append((await ReadAsync(blocks, (int)tail)).Span);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long block, int length)
        {
            var read = await RandomAccess.ReadAsync(_bytes, buffer.AsMemory(0, length), block * BlockFormat.BlockSize, cancellation);
            return buffer.AsMemory(0, read);
        }
    }

    private async Task KeepGoodBlocksAsync(BlockSidecarReader notes, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockFormat.BlockSize);
        try
        {
            var block = buffer.AsMemory(0, BlockFormat.BlockSize);
            for (var number = 0L; notes.TryGet(number, out var checksum); number++)
            {
                var read = await RandomAccess.ReadAsync(_bytes, block, number * BlockFormat.BlockSize, cancellation);
                if (read < BlockFormat.BlockSize || Protocol.Checksums.Checksum.Of(block.Span).Value != checksum) break;
                _blocks.Append(block.Span);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        RandomAccess.SetLength(_bytes, _blocks.Length);
        _flushed = _blocks.Length;
    }
}
