using System.Buffers;
using Mdfs.Protocol.Checksums;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>Bytes that are arriving: written in order, hashed as they pass, and durable once <see cref="CompleteAsync"/> has returned.</summary>
internal sealed class PartFile : IAsyncDisposable
{
    // The kernel would let gigabytes of dirty pages gather, and the final fsync would then be silent for longer than the sender waits.
    private const long FlushStep = 64L << 20;

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
    public static PartFile Create(string path)
    {
        var bytes = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
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

    public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        var offset = _blocks.Length;
        await RandomAccess.WriteAsync(_bytes, bytes, offset, cancellation);
        _blocks.Append(bytes.Span);
        if (_blocks.Length - _flushed < FlushStep) return;
        _flushed = _blocks.Length;
        // Waiting for the flush before slows the sender down to the disk, so never more than two steps are dirty.
        await _flush;
        _blocks.Checkpoint();
        _flush = Task.WhenAll(Durable.FlushAsync(_bytes), _blocks.FlushAsync());
    }

    /// <summary>Notes how far it came, so that a later life can go on from here.</summary>
    public void Checkpoint() => _blocks.Checkpoint();

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

    private async Task KeepGoodBlocksAsync(BlockSidecarReader notes, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockFormat.BlockSize);
        try
        {
            var block = buffer.AsMemory(0, BlockFormat.BlockSize);
            for (var number = 0L; notes.TryGet(number, out var checksum); number++)
            {
                var read = await RandomAccess.ReadAsync(_bytes, block, number * BlockFormat.BlockSize, cancellation);
                if (read < BlockFormat.BlockSize || Checksum.Of(block.Span).Value != checksum) break;
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
