using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// Re-reads a replica whole. The checksum of the whole is the judge: where it agrees the bytes are good, and a bad sidecar is rebuilt from
/// them; where it does not, the block checksums tell how much is bad. Where the system can, it reads what is on the disk and not what is in memory of it.
/// </summary>
internal sealed partial class ReplicaVerifier(
    DataDirectory directory, Inventory inventory, ReplicaStore store, DamageDesk damage, NodeMemory memory, DirectBuffers buffers,
    ILogger<ReplicaVerifier> logger)
{
    private const int BufferSize = 4 * BlockFormat.BlockSize;
    private const int ToldEvery = 64 * BlockFormat.BlockSize;

    // One at a time per version: two would write the same new checksums, and one of them take away what the other is writing.
    private readonly KeyedGate _versions = new();

    // Two readers keep a disk busy; more make it seek.
    private readonly SemaphoreSlim _slots = new(2, 2);
    private readonly ConcurrentDictionary<MovieVersion, VerifyProgress> _running = new();

    /// <summary>How far a re-reading is; null: none is under way, or it waits for its turn.</summary>
    public VerifyProgress? Progress(MovieVersion version) => _running.GetValueOrDefault(version);

    /// <summary>Null: not here.</summary>
    public async Task<VerifyResult?> VerifyAsync(MovieVersion version, CancellationToken cancellation)
    {
        using var turn = await _versions.EnterAsync(version.ToString(), cancellation);
        await _slots.WaitAsync(cancellation);
        try
        {
            if (!inventory.TryGet(version, out var held)) return null;
            var path = directory.ReplicaPath(version);
            var replica = held.Report.Replica;
            using var bytes = ReplicaReader.TryOpen(path, FileOptions.SequentialScan);
            if (bytes is null) return await damage.ReportLostAsync(held, cancellation) ? new VerifyResult(memory.Id, version, default, Valid: false, Math.Max(1, BlockFormat.BlockCount(replica.Size))) : null;
            var scan = await ScanAsync(bytes, path, replica, cancellation);
            var suspect = scan.BadBlocks + scan.UnknownBlocks;
            if (scan.Whole == replica.Checksum && scan.Length == replica.Size)
            {
                if (suspect > 0 && !await TryRebuildAsync(bytes, path, replica, cancellation))
                {
                    damage.Report(held, "it was read twice, and did not read the same the second time");
                    return new VerifyResult(memory.Id, version, scan.Whole, Valid: false, suspect);
                }

                store.MarkGood(held);
                return new VerifyResult(memory.Id, version, scan.Whole, Valid: true, DamagedBlocks: 0);
            }

            var bad = Math.Max(1, suspect);
            damage.Report(held, $"re-reading it found {bad} bad blocks, {scan.Length} of {replica.Size} bytes, and checksum {scan.Whole} instead of {replica.Checksum}");
            return new VerifyResult(memory.Id, version, scan.Whole, Valid: false, bad);
        }
        finally
        {
            _running.TryRemove(version, out _);
            _slots.Release();
        }
    }

    private async Task<Scan> ScanAsync(SafeFileHandle bytes, string path, ReplicaDescription replica, CancellationToken cancellation)
    {
        using var blocks = new BlockSidecarReader(path + Sidecars.Blocks);
        var scan = new Scan();
        try
        {
            await foreach (var block in ReadBlocksAsync(bytes, cancellation))
            {
                scan.Add(block.Span, blocks);
                if (scan.Length % ToldEvery == 0) _running[replica.Version] = new VerifyProgress(replica.Version, scan.Length, replica.Size);
            }
        }
        catch (IOException)
        {
            // An unreadable sector ends the reading; what lies behind it counts as missing.
        }

        // A file that ends early lacks blocks; of one that ends within a block, that block was found bad above.
        scan.BadBlocks += Math.Max(0, BlockFormat.BlockCount(replica.Size) - BlockFormat.BlockCount(scan.Length));
        return scan;
    }

    /// <summary>Makes the block checksums anew, from a second reading: what was good in the first need not be in this one, and they would vouch for it.</summary>
    /// <returns>False: the second reading found something else. Nothing was changed.</returns>
    /// <exception cref="IOException">They could not be written.</exception>
    private async Task<bool> TryRebuildAsync(SafeFileHandle bytes, string path, ReplicaDescription replica, CancellationToken cancellation)
    {
        var rebuilt = path + Sidecars.Blocks + Durable.Unfinished;
        try
        {
            using (var writer = new BlockSidecarWriter(rebuilt))
            {
                if (!await TryReadIntoAsync(writer, bytes, cancellation) || writer.Complete(replica) != replica.Checksum || writer.Length != replica.Size) return false;
                await writer.FlushAsync();
            }

            File.Move(rebuilt, path + Sidecars.Blocks, overwrite: true);
        }
        finally
        {
            // Moved, or of no use: on a full disk it must not stay in the way.
            File.Delete(rebuilt);
        }

        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
        LogRebuilt(replica.Version);
        return true;
    }

    // A sector that could be read a moment ago and cannot be now is the disk's trouble, as other bytes are; that there is no room for checksums says nothing about the bytes.
    private async Task<bool> TryReadIntoAsync(BlockSidecarWriter writer, SafeFileHandle bytes, CancellationToken cancellation)
    {
        await using var blocks = ReadBlocksAsync(bytes, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await blocks.MoveNextAsync()) return true;
            }
            catch (IOException)
            {
                return false;
            }

            writer.Append(blocks.Current.Span);
        }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadBlocksAsync(SafeFileHandle bytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var onDisk = buffers.TryReopen(bytes, write: false);
        using var aligned = onDisk is null ? null : buffers.TryRent();
        var rented = aligned is null ? ArrayPool<byte>.Shared.Rent(BufferSize) : null;
        var buffer = aligned?.Memory ?? rented.AsMemory(0, BufferSize);
        var direct = aligned is not null;
        try
        {
            for (var offset = 0L; ;)
            {
                var filled = 0;
                for (int read; filled < buffer.Length; filled += read)
                {
                    read = await ReadAsync(buffer[filled..], offset + filled);
                    if (read == 0) break;
                }

                for (var start = 0; start < filled; start += BlockFormat.BlockSize) yield return buffer.Slice(start, Math.Min(BlockFormat.BlockSize, filled - start));
                offset += filled;
                if (filled < buffer.Length) yield break;
            }
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }

        async ValueTask<int> ReadAsync(Memory<byte> into, long from)
        {
            // The end of the file is no multiple of anything.
            if (direct && from % DirectFile.Alignment == 0)
            {
                try
                {
                    return await RandomAccess.ReadAsync(onDisk!, into, from, cancellation);
                }
                catch (IOException)
                {
                    // The file system refuses it, or a sector cannot be read: the other way tells which, and has what can be read in front of that.
                    direct = false;
                }
            }

            return await RandomAccess.ReadAsync(bytes, into, from, cancellation);
        }
    }

    private sealed class Scan
    {
        public Checksum Whole { get; private set; }

        public long Length { get; private set; }

        public long BadBlocks { get; set; }

        public long UnknownBlocks { get; private set; }

        /// <summary>The next block, each byte of which is hashed once, for both.</summary>
        public void Add(ReadOnlySpan<byte> block, BlockSidecarReader checksums)
        {
            var (bad, unknown) = (false, false);
            for (var start = 0; start < block.Length; start += checksums.Grain)
            {
                var part = block[start..Math.Min(start + checksums.Grain, block.Length)];
                var checksum = Checksum.Of(part);
                Whole = ChecksumJoin.Append(Whole, checksum, part.Length);
                if (!checksums.TryGet(Length + start, out var expected)) unknown = true;
                else if (expected != checksum.Value) bad = true;
            }

            if (unknown) UnknownBlocks++;
            else if (bad) BadBlocks++;
            Length += block.Length;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The block checksums of version {Version} were damaged and have been rebuilt from its bytes, which are good.")]
    private partial void LogRebuilt(MovieVersion version);
}
