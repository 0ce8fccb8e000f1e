using System.Buffers;
using System.Diagnostics.Metrics;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// Re-reads every replica against its block checksums, and what the disk says of it, within <see cref="WorkerOptions.ScrubPeriod"/> (design, section 6), in the order of their
/// versions: throttled, giving way to players, and going on after a restart at the block where it stopped. What it finds goes the way of all
/// damage: the master hears of it, and the bad blocks come from other nodes (<see cref="Replication.PullRunner"/>).
/// </summary>
internal sealed partial class Scrubber : PeriodicService
{
    private const int BufferSize = 4 * BlockFormat.BlockSize;

    // A crash costs at most this much re-reading.
    private static readonly TimeSpan _saveEvery = TimeSpan.FromSeconds(10);

    // How often it looks whether the next round is due.
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(30);

    private readonly ReplicaStore _store;
    private readonly Inventory _inventory;
    private readonly ScrubMemory _memory;
    private readonly Canary _canary;
    private readonly DamageDesk _damage;
    private readonly DirectoryWatch _watch;
    private readonly DirectBuffers _buffers;
    private readonly VerifyQueue _verifies;
    private readonly WorkerMetrics _players;
    private readonly BeatBell _bell;
    private readonly WorkerOptions _options;
    private readonly ILogger<Scrubber> _logger;
    private readonly Counter<long> _blocksRead;
    private readonly Counter<long> _bytesRead;
    private readonly HashSet<MovieVersion> _sick = [];
    private long _done;
    private long _saved;
    private volatile bool _beginNow;

    public Scrubber(
        ReplicaStore store, Inventory inventory, ScrubMemory memory, Canary canary, DamageDesk damage, DirectoryWatch watch, VerifyQueue verifies, DirectBuffers buffers, WorkerMetrics players, BeatBell bell,
        InstanceTelemetry telemetry, IOptions<WorkerOptions> options, TimeProvider time, ILogger<Scrubber> logger)
        : base(time, () => Min(_look, ScrubPace.Round(options.Value.ScrubPeriod)), logger)
    {
        (_watch, _buffers) = (watch, buffers);
        (_store, _inventory, _memory, _canary, _damage, _verifies, _players, _bell) = (store, inventory, memory, canary, damage, verifies, players, bell);
        (_options, _logger) = (options.Value, logger);
        var meter = telemetry.Meter;
        _blocksRead = meter.CreateCounter<long>("mdfs_worker_scrub_blocks", description: "Blocks re-read by the scrub.");
        _bytesRead = meter.CreateCounter<long>("mdfs_worker_scrub_bytes", description: "Bytes re-read by the scrub.");
        // From zero on, so that the first of each counts as a rise.
        _blocksRead.Add(0);
        _bytesRead.Add(0);
        meter.CreateObservableCounter("mdfs_worker_scrub_rot_found", () => Report().RotFound, description: "Replicas in which the scrub found a bad block, or of which the disk no longer said what they are.");
        meter.CreateObservableCounter("mdfs_worker_scrub_rot_healed", () => Report().RotHealed, description: "Those of them that were made whole again.");
        meter.CreateObservableGauge("mdfs_worker_scrub_oldest_seconds", () => Report().OldestSeconds, description: "Seconds since the replica that was re-read longest ago was, or was written.");
        meter.CreateObservableGauge("mdfs_worker_scrub_canary_seconds", () => Report().CanarySeconds, description: "Seconds since planted rot was last found and mended.");
        meter.CreateObservableGauge("mdfs_worker_scrub_running", () => Report().State == ScrubState.Running ? 1 : 0, description: "Whether replicas are being re-read.");
        meter.CreateObservableGauge("mdfs_worker_scrub_paused", () => Report().State is ScrubState.Paused or ScrubState.Stopped ? 1 : 0, description: "Whether the scrub is paused, or stopped by too much damage.");
    }

    /// <summary>For beats and metrics; costs no reading.</summary>
    public ScrubReport Report()
    {
        CountHealed();
        var (facts, now) = (_memory.Facts, Time.GetUtcNow());
        var state = facts.Paused ? ScrubState.Paused : Trouble is not null ? ScrubState.Stopped : facts.Complete ? ScrubState.Resting : ScrubState.Running;
        var total = _inventory.Bytes;
        return new ScrubReport(
            state, state == ScrubState.Stopped ? Trouble : null, facts.Cycle, facts.Complete ? total : Math.Min(Volatile.Read(ref _done), total), total,
            state == ScrubState.Running ? Rate() : 0, Seconds(now - Oldest(facts, now)), facts.Found, facts.Healed, Seconds(now - facts.CanaryAt), facts.Order, facts.CanarySick ? _canary.Replica : null);
    }

    /// <summary>An admin's word; obeyed once however often it comes.</summary>
    public void Obey(ScrubOrder order)
    {
        if (order.Id <= _memory.Facts.Order) return;
        var paused = order.Action == ScrubAction.Pause;
        _memory.Change(facts => facts with { Order = order.Id, Paused = paused });
        if (!paused) _beginNow = _memory.Facts.Complete;
        _memory.Save();
        LogTold(order.Action);
        if (!paused) Wake();
        _bell.Ring();
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var facts = _memory.Facts;
        if (MustRest()) return;
        if (facts.Complete)
        {
            // The first round of a node's life begins at once: it shows early on that planted rot is seen.
            if (facts.Cycle > 0 && !_beginNow && !ScrubPace.IsDue(facts.Began, Time.GetUtcNow(), _options.ScrubPeriod)) return;
            Begin();
        }

        _beginNow = false;
        _saved = Time.GetTimestamp();
        try
        {
            if (await ReadAllAsync(cancellationToken)) await EndAsync(cancellationToken);
        }
        finally
        {
            _memory.Save();
        }
    }

    private void Begin()
    {
        _memory.Change(facts => facts with
        {
            Cycle = facts.Cycle + 1,
            Began = Time.GetUtcNow(),
            BeganBefore = facts.Cycle == 0 ? null : facts.Began,
            Next = MovieVersion.None,
            Block = 0,
            Complete = false,
        });
        LogBegun(_memory.Facts.Cycle, _inventory.Count, _inventory.Bytes);
    }

    /// <summary>False: it was told to rest before the end.</summary>
    private async Task<bool> ReadAllAsync(CancellationToken cancellationToken)
    {
        // What comes while the round runs has a higher version, was hashed when it was written, and waits for the next one.
        var (start, versions) = (_memory.Facts.Next, _inventory.Versions());
        var done = 0L;
        foreach (var version in versions.TakeWhile(version => version < start)) done += SizeOf(version);
        foreach (var version in versions.SkipWhile(version => version < start))
        {
            if (_memory.Facts.Next != version) _memory.Change(facts => facts with { Next = version, Block = 0 });
            if (!await ReadAsync(version, done, cancellationToken)) return false;
            done += SizeOf(version);
            Volatile.Write(ref _done, done);
        }

        return true;
    }

    private async Task<bool> ReadAsync(MovieVersion version, long before, CancellationToken cancellationToken)
    {
        // Gone meanwhile; or known to be damaged, and then it is read when it is healed.
        if (!_inventory.TryGet(version, out var held) || held.Report.Damaged) return true;
        using var reader = _store.OpenReader(version);
        if (reader is null)
        {
            if (await _damage.ReportLostAsync(held, cancellationToken)) CountFound(version);
            // Where the whole disk is away the round waits for it.
            return !MustRest();
        }

        reader.ReadOnce(_buffers);
        if (_memory.Facts.Block == 0 && await MendsDescriptionAsync(reader.Held, cancellationToken)) _memory.Change(static facts => facts with { Found = facts.Found + 1, Healed = facts.Healed + 1 });
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var block = _memory.Facts.Block; block * BlockFormat.BlockSize < reader.Size;)
            {
                if (MustRest()) return false;
                var began = Time.GetTimestamp();
                var length = (int)Math.Min(BufferSize, reader.Size - (block * BlockFormat.BlockSize));
                var read = await reader.ReadAsync(block, buffer.AsMemory(0, length), cancellationToken);
                Count(length);
                if (read.Fault != BlockFault.None)
                {
                    Found(reader.Held, block + (read.Good / BlockFormat.BlockSize), read.Fault);
                    return true;
                }

                block += BufferSize / BlockFormat.BlockSize;
                Note(block, before);
                await GiveWayAsync(length, began, cancellationToken);
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<bool> MendsDescriptionAsync(HeldReplica held, CancellationToken cancellationToken)
    {
        try
        {
            return await _store.MendDescriptionAsync(held, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full or dying disk: the other place still says it, and the next round tries again.
            LogNotDescribed(error, held.Report.Replica.Version);
            return false;
        }
    }

    private void Found(HeldReplica held, long block, BlockFault fault)
    {
        var version = held.Report.Replica.Version;
        if (fault == BlockFault.Sidecar)
        {
            // The bytes may be good; reading them whole tells, and mends the sidecar.
            _verifies.Add(version);
            return;
        }

        CountFound(version);
        _damage.Report(held, $"the scrub found block {block} bad");
    }

    private void CountFound(MovieVersion version)
    {
        lock (_sick) _sick.Add(version);
        _memory.Change(static facts => facts with { Found = facts.Found + 1 });
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        if (await SingAsync(cancellationToken) is { } trouble)
        {
            LogBlind(trouble);
        }
        else
        {
            // Found; now the master is to have it healed from another node, as all damage is.
            _memory.Change(static facts => facts with { CanarySick = true });
            _bell.Ring();
        }

        _memory.Change(static facts => facts with { Complete = true, Block = 0 });
        LogEnded(_memory.Facts.Cycle, _inventory.Count);
    }

    /// <summary>The canary was healed, by whichever way.</summary>
    public async Task CanaryHealedAsync(CancellationToken cancellationToken)
    {
        if (await _canary.FirstBadAsync(cancellationToken) is { } bad)
        {
            LogStillSick(bad);
            return;
        }

        _memory.Change(facts => facts with { CanarySick = false, CanaryAt = Time.GetUtcNow() });
        _memory.Save();
        _bell.Ring();
    }

    private async Task<string?> SingAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _canary.SingAsync(cancellationToken);
        }
        catch (IOException error)
        {
            // A full disk, as a rule. The round is over all the same; that the proof is missing shows in the metric.
            return error.Message;
        }
    }

    private void Note(long block, long before)
    {
        _memory.Change(facts => facts with { Block = block });
        Volatile.Write(ref _done, before + (block * BlockFormat.BlockSize));
        if (Time.GetElapsedTime(_saved) < _saveEvery) return;
        _memory.Save();
        _saved = Time.GetTimestamp();
    }

    private void Count(int bytes)
    {
        _blocksRead.Add(BlockFormat.BlockCount(bytes));
        _bytesRead.Add(bytes);
    }

    private Task GiveWayAsync(int bytes, long began, CancellationToken cancellationToken)
    {
        var wait = TimeSpan.FromSeconds((double)bytes / Rate()) - Time.GetElapsedTime(began);
        return wait > TimeSpan.Zero ? Task.Delay(wait, Time, cancellationToken) : Task.CompletedTask;
    }

    private void CountHealed()
    {
        lock (_sick)
        {
            foreach (var version in _sick)
            {
                var here = _inventory.TryGet(version, out var held);
                if (here && held.Report.Damaged) continue;
                _sick.Remove(version);
                if (here) _memory.Change(static facts => facts with { Healed = facts.Healed + 1 });
            }
        }
    }

    private bool MustRest() => _memory.Facts.Paused || Trouble is not null;

    private string? Trouble => _watch.Trouble ?? _damage.ClosedForWrites;

    private long Rate() => ScrubPace.Rate(_inventory.Bytes, _options.ScrubPeriod, _options.ScrubBytesPerSecond, _players.Streams);

    // Before the place where the round stands everything was re-read in it, behind it in the round before; what has never been re-read is as old as it is.
    private DateTimeOffset Oldest(ScrubFacts facts, DateTimeOffset now)
    {
        if (_inventory.Count == 0) return now;
        if (facts.Complete && facts.Cycle > 0) return facts.Began;
        var next = _inventory.FirstFrom(facts.Next);
        if (next is null) return facts.Began;
        var written = next.CommittedAt < now ? next.CommittedAt : now;
        return facts.BeganBefore is { } before && before > written ? before : written;
    }

    private long SizeOf(MovieVersion version) => _inventory.TryGet(version, out var held) ? held.Report.Replica.Size : 0;

    private static double Seconds(TimeSpan span) => Math.Round(Math.Max(0, span.TotalSeconds), 1);

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    [LoggerMessage(Level = LogLevel.Information, Message = "Round {Cycle} of the scrub begins: {Count} replicas, {Bytes} bytes.")]
    private partial void LogBegun(long cycle, long count, long bytes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Round {Cycle} of the scrub is over; {Count} replicas are here.")]
    private partial void LogEnded(long cycle, long count);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The scrub does not see what it should: {Trouble}. Bad blocks on this node may go unnoticed until they are read.")]
    private partial void LogBlind(string trouble);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Planted rot was healed, and the file is still bad in block {Block}: healing on this node cannot be relied on.")]
    private partial void LogStillSick(long block);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What the disk says of version {Version} is damaged and could not be written anew.")]
    private partial void LogNotDescribed(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Information, Message = "An admin's word for the scrub: {Action}.")]
    private partial void LogTold(ScrubAction action);
}
