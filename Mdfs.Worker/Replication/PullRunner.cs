using System.Buffers;
using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Replication;

/// <summary>
/// Makes a good copy of a version here (design, sections 2.3 and 6): the good blocks of a damaged copy of its own first, windows from the sources
/// for the rest; the whole is compared with the commit's checksum before it takes its place. What an interrupted pull has is kept and gone on from.
/// </summary>
internal sealed partial class PullRunner(
    DataDirectory directory, Inventory inventory, SpaceAccount space, ReplicaStore store, PeerWindows peers, Trash trash, Canary canary, DirectBuffers buffers,
    ILogger<PullRunner> logger)
{
    private const int BufferSize = 16 * BlockFormat.BlockSize;

    // Whose bytes may not be what a reading says of them, since a flush of theirs failed.
    private readonly ConcurrentDictionary<MovieVersion, bool> _doubtful = new();

    /// <returns>Why there is no good copy, or null.</returns>
    public async Task<string?> RunAsync(Pull pull)
    {
        var replica = pull.Order.Replica;
        var cancellation = pull.Stop.Token;
        if (Canary.Is(replica.Version)) return await HealCanaryAsync(pull, cancellation);
        if (inventory.TryGet(replica.Version, out var held))
        {
            if (held.Report.Replica != replica) return "other bytes are here under this version";
            if (!held.Report.Damaged)
            {
                inventory.Repeat(replica.Version);
                return null;
            }
        }

        if (inventory.IsDeleted(replica.Name, replica.Version)) return "its movie was deleted";
        if (await SealPreparedAsync(replica, cancellation)) return null;
        var (failure, resumed) = await CopyAsync(pull, cancellation);
        // What was kept from an earlier attempt may be what is wrong; the sources are asked for all of it once.
        if (failure == WrongChecksum && resumed) (failure, _) = await CopyAsync(pull, cancellation);
        return failure;
    }

    /// <summary>As any damaged replica is healed; without a source it is the only node, and helps itself.</summary>
    private async Task<string?> HealCanaryAsync(Pull pull, CancellationToken cancellation)
    {
        if (pull.Order.Replica != canary.Replica) return "the canary is another one";
        if (pull.Order.Sources.Count == 0)
        {
            canary.Mend();
            return null;
        }

        return (await CopyAsync(pull, cancellation)).Failure;
    }

    private ReplicaReader? OpenOwn(MovieVersion version) => Canary.Is(version) ? canary.OpenPlanted() : store.OpenReader(version);

    private async Task<NodeRefusal?> SealAsync(ReplicaDescription replica)
    {
        if (!Canary.Is(replica.Version)) return await store.SealPulledAsync(replica, CancellationToken.None);
        canary.Install(directory.PullPath(replica.Version));
        return null;
    }

    /// <summary>Removes what an unwanted pull left.</summary>
    /// <returns>False: it cannot be removed now.</returns>
    public bool Forget(MovieVersion version)
    {
        var path = directory.PullPath(version);
        try
        {
            foreach (var file in new[] { path, path + Sidecars.Blocks }) trash.Throw(file);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk is away or read-only. Who looks for leftovers finds it when that is over.
            LogStays(error, version);
            return false;
        }
    }

    private const string WrongChecksum = "what the sources sent does not have the checksum of the commit";

    // The bytes may lie here already: prepared, when the word to seal them was lost.
    private async Task<bool> SealPreparedAsync(ReplicaDescription replica, CancellationToken cancellation)
    {
        if (!inventory.TryGetPrepared(replica.Upload, out _)) return false;
        try
        {
            var outcome = await store.SealAsync(replica.Upload, replica, cancellation);
            return outcome.Refusal is null && !outcome.Value!.Report.Damaged;
        }
        catch (IOException error)
        {
            // In the place of a damaged replica a seal that failed after its rename cannot be repeated. What is copied goes there as well, and ends it.
            LogNotSealed(error, replica.Version);
            return false;
        }
    }

    private async Task<(string? Failure, bool Resumed)> CopyAsync(Pull pull, CancellationToken cancellation)
    {
        var replica = pull.Order.Replica;
        var path = directory.PullPath(replica.Version);
        var part = _doubtful.ContainsKey(replica.Version) ? PartFile.Create(path, buffers) : await PartFile.ResumeAsync(path, buffers, cancellation, Keep);
        _doubtful.TryRemove(replica.Version, out _);
        try
        {
            return await CopyAsync(pull, part, cancellation);
        }
        finally
        {
            await part.DisposeAsync();
            if (part.Doubtful)
            {
                // Where it cannot be removed now, it is begun anew.
                _doubtful.TryAdd(replica.Version, true);
                Forget(replica.Version);
            }
        }

        // The master hears that it goes on, and that nothing was copied yet.
        void Keep(long length) => pull.Done = pull.Kept = length;
    }

    private async Task<(string? Failure, bool Resumed)> CopyAsync(Pull pull, PartFile part, CancellationToken cancellation)
    {
        var replica = pull.Order.Replica;
        var resumed = part.Length > 0;
        if (part.Length > replica.Size)
        {
            await part.DisposeAsync();
            Forget(replica.Version);
            return (WrongChecksum, true);
        }

        using var reservation = space.TryReserve(replica.Size - part.Length);
        if (reservation is null) return ("there is no room for it here", resumed);
        if (!part.TryAllocate(reservation, replica.Size)) return ("there is no room for it here", resumed);
        pull.Done = pull.Kept = part.Length;
        var failure = await FillAsync(pull, part, reservation, cancellation);
        if (failure is not null) return (failure, resumed);
        if (await part.CompleteAsync() != replica.Checksum)
        {
            Forget(replica.Version);
            return (WrongChecksum, resumed);
        }

        if (await SealAsync(replica) is { } refusal)
        {
            Forget(replica.Version);
            return (refusal.Message, resumed);
        }

        LogPulled(replica.Version, replica.Size);
        return (null, resumed);
    }

    private async Task<string?> FillAsync(Pull pull, PartFile part, SpaceReservation reservation, CancellationToken cancellation)
    {
        using var own = OpenOwn(pull.Order.Replica.Version);
        own?.ReadOnce(buffers);
        var buffer = own is null ? [] : ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var sink = new PullSink(pull, part, reservation);
            while (part.Length < pull.Order.Replica.Size)
            {
                var missing = own is null ? pull.Order.Replica.Size - part.Length : await TakeOwnAsync(own, sink, buffer, cancellation);
                if (missing == 0) continue;
                if (await peers.FetchAsync(pull, sink, part.Length + missing, cancellation) is { } failure) return failure;
            }

            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            await part.CheckpointAsync();
        }
    }

    /// <summary>Copies the good blocks that follow, and returns how many bytes after them are bad here.</summary>
    private static async Task<long> TakeOwnAsync(ReplicaReader own, PullSink sink, Memory<byte> buffer, CancellationToken cancellation)
    {
        // Every fetch ends at a block's end, and what was kept of an earlier pull does too.
        while (sink.Length < own.Size)
        {
            var whole = buffer[..(int)Math.Min(buffer.Length, own.Size - sink.Length)];
            var read = await own.ReadAsync(sink.Length / BlockFormat.BlockSize, whole, cancellation);
            if (read.Good > 0) await sink.WriteAsync(whole[..read.Good], cancellation);
            if (read.Fault != BlockFault.None) return await BadRunAsync(own, sink.Length, buffer, cancellation);
        }

        return 0;
    }

    private static async Task<long> BadRunAsync(ReplicaReader own, long from, Memory<byte> buffer, CancellationToken cancellation)
    {
        var end = from;
        while (end < own.Size)
        {
            var block = buffer[..(int)Math.Min(BlockFormat.BlockSize, own.Size - end)];
            if ((await own.ReadAsync(end / BlockFormat.BlockSize, block, cancellation)).Fault == BlockFault.None) break;
            end += block.Length;
        }

        return end - from;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The beginning of a pull of version {Version} could not be removed and keeps its room until the next attempt.")]
    private partial void LogStays(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What is prepared of version {Version} could not be sealed; it is copied from another node.")]
    private partial void LogNotSealed(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Information, Message = "Version {Version} of {Bytes} bytes was copied here and is good.")]
    private partial void LogPulled(MovieVersion version, long bytes);
}

/// <summary>Where a pull's bytes go, whoever brings them.</summary>
internal sealed class PullSink(Pull pull, PartFile part, SpaceReservation reservation)
{
    public long Length => part.Length;

    /// <summary>Memory for what comes next, until <see cref="AdvanceAsync"/>.</summary>
    public Memory<byte> Room() => part.Room();

    public async ValueTask AdvanceAsync(int count, CancellationToken cancellation)
    {
        await part.AdvanceAsync(count, cancellation);
        Note(count);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await part.AppendAsync(bytes, cancellation);
        Note(bytes.Length);
    }

    private void Note(int count)
    {
        reservation.Wrote(count);
        pull.Done = part.Length;
    }
}
