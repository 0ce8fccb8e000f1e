using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>
/// Makes the nodes equally full, by an admin's wish (design, section 6): a few moves at a time, each made by the fixer's pulls and ended by the trimmer. Where it
/// stands is kept in Redis, the moves under way before they are begun.
/// </summary>
public sealed partial class Rebalance(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, Fixer fixer, Moves moves, ActivityLog activity, IOptions<MasterOptions> options,
    TimeProvider time, ILogger<Rebalance> logger)
    : PeriodicService(time, () => options.Value.RepairInterval, logger)
{
    /// <summary>How long a plan is shown before it is made anew, at least.</summary>
    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(2);

    /// <summary>It walks over all movies, some seconds for a million: looking at it is to take no more than this share of a core.</summary>
    private const double MostOfACore = 0.05;

    /// <summary>How long a movie whose move failed is left alone.</summary>
    private static readonly TimeSpan _avoidFor = TimeSpan.FromMinutes(5);

    /// <summary>Of a node that has gone silent, before the others are made even without it: most come back, and what was moved would have to be moved once more.</summary>
    private const int PatienceInTimeouts = 10;

    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly ConcurrentDictionary<MovieVersion, long> _avoid = new();
    private readonly Lock _looking = new();
    private Queue<PlannedMove> _planned = new();
    private Census? _plannedFor;
    private RebalanceRecord _record = RebalanceRecord.Nothing;
    private RebalancePlan? _shown;
    private long _shownAt;
    private TimeSpan _shownFor;
    private long _bytesToGo;
    private volatile bool _unsaved;
    private bool _recalled;

    public RebalanceRecord Record => Volatile.Read(ref _record);

    /// <summary>Why the one under way begins no further moves, as a sentence; null: it does, or none is under way.</summary>
    public string? HeldUp
    {
        get
        {
            if (Record.State != RebalanceState.Running) return null;
            if (registry.Missed(Patience) is [_, ..] missed)
                return $"Moves wait for {string.Join(", ", missed)}, away and perhaps back soon: for {Patience.TotalSeconds:0} s from when a node fell silent, or until its maintenance ends.";
            if (session.IsUncertain) return "Moves wait until the catalog is complete.";
            return registry.Census is null ? "Moves wait until every live node has told what it holds." : null;
        }
    }

    private TimeSpan Patience => options.Value.NodeTimeout * PatienceInTimeouts;

    /// <summary>Bytes that are still to be moved, as of the last look; 0 while none is under way. Whoever asks for it asks often, and must not wait for a look.</summary>
    public long BytesToGo => Record.State == RebalanceState.None ? 0 : Interlocked.Read(ref _bytesToGo) + moves.All.Sum(move => move.Size);

    /// <summary>What there is to do beside the moves under way; some seconds old, and older where there are millions of movies.</summary>
    public RebalancePlan Look()
    {
        lock (_looking)
        {
            if (_shown is null || Time.GetElapsedTime(_shownAt) > _shownFor)
            {
                var began = Time.GetTimestamp();
                if (Plan(registry.Census) is not { } plan) return _shown ?? RebalancePlan.Nothing;
                _shown = plan;
                Interlocked.Exchange(ref _bytesToGo, plan.Bytes);
                _shownAt = Time.GetTimestamp();
                _shownFor = _fresh + (Time.GetElapsedTime(began, _shownAt) / MostOfACore);
            }

            return _shown;
        }
    }

    /// <summary>Begins one, or lets it go on. False: it could not be written down, and nothing has changed.</summary>
    public Task<bool> StartAsync(long? bytesPerSecond, CancellationToken cancellationToken) => ChangeAsync(
        before => before.State == RebalanceState.None
            ? new RebalanceRecord(RebalanceState.Running, bytesPerSecond ?? options.Value.RebalanceBytesPerSecond, Time.GetUtcNow(), null, 0, 0, [])
            : before with { State = RebalanceState.Running, BytesPerSecond = bytesPerSecond ?? before.BytesPerSecond },
        ActivityKinds.RebalanceStarted, cancellationToken);

    /// <summary>What was begun is finished, and nothing further is begun.</summary>
    public Task<bool> PauseAsync(CancellationToken cancellationToken) => ChangeAsync(
        before => before.State == RebalanceState.Running ? before with { State = RebalanceState.Paused } : before, ActivityKinds.RebalancePaused, cancellationToken);

    /// <summary>Ends it: what was moved stays where it is, and copies that are not complete are given up.</summary>
    public async Task<bool> CancelAsync(CancellationToken cancellationToken)
    {
        if (!await ChangeAsync(before => before.State == RebalanceState.None ? before : before with { State = RebalanceState.None, Ended = "cancelled" }, ActivityKinds.RebalanceEnded, cancellationToken)) return false;
        // A run that is under way would have a copy that was given up made all the same. And whoever asked for it may have gone.
        await BetweenRunsAsync(() =>
        {
            foreach (var move in moves.All.Where(move => !Holds(move.To, move.Version))) Drop(move);
        });
        return true;
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Redis went back, or is empty: it is told anew.
        session.Restored += () => _unsaved = true;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!session.IsSure || registry.Census is null) return;
        if (!_recalled && !await RecallAsync()) return;
        var ended = await SettleAsync(cancellationToken);
        if (Record.State == RebalanceState.Running) await GoOnAsync(ended, cancellationToken);
        else if (ended) await SaveAsync(static record => record, cancellationToken);
        if (_unsaved && await SaveAsync(static record => record, cancellationToken)) _unsaved = false;
        // For BytesToGo.
        if (Record.State != RebalanceState.None) Look();
    }

    private async Task<bool> RecallAsync()
    {
        var (read, json) = await session.ReadRebalanceAsync();
        if (!read) return false;
        await _changing.WaitAsync();
        try
        {
            if (json is not null) Volatile.Write(ref _record, RebalanceRecord.Read(json));
            foreach (var move in Record.Underway) moves.TryAdd(move);
            return _recalled = true;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Looks what became of the moves under way; true if any of them ended.</summary>
    private async Task<bool> SettleAsync(CancellationToken cancellationToken)
    {
        var (movies, bytes, ended) = (0, 0L, new List<Move>());
        foreach (var move in moves.All)
        {
            var arrived = Holds(move.To, move.Version);
            // A node that is silent may have told nothing to this master.
            var left = !Holds(move.From, move.Version) && registry.View.Find(move.From) is null or { Alive: true };
            var current = registry.Replicas.Describe(move.Version) is { } replica && catalog.Find(replica.Name)?.Version == move.Version;
            if (current && arrived && left) (movies, bytes) = (movies + 1, bytes + move.Size);
            // Arrived: the trimmer's turn. Not arrived: as long as the fixer is about it, or can be asked again.
            else if (current && (arrived ? IsLive(move.From) : !left && fixer.Continue(move, LimitPerMove))) continue;
            else if (!arrived) _avoid[move.Version] = Time.GetTimestamp();
            ended.Add(move);
        }

        if (ended.Count > 0)
        {
            await _changing.WaitAsync(cancellationToken);
            try
            {
                // Counted and struck out at once, or a master that starts in between would count it again; and before it is seen that nothing is under way.
                Volatile.Write(ref _record, Record with
                {
                    MoviesMoved = Record.MoviesMoved + movies,
                    BytesMoved = Record.BytesMoved + bytes,
                    Underway = [.. Record.Underway.Where(move => !ended.Contains(move))],
                });
                ended.ForEach(Drop);
            }
            finally
            {
                _changing.Release();
            }
        }

        foreach (var (version, since) in _avoid)
        {
            if (Time.GetElapsedTime(since) > _avoidFor) _avoid.TryRemove(version, out _);
        }

        return ended.Count > 0;
    }

    private async Task GoOnAsync(bool ended, CancellationToken cancellationToken)
    {
        var begun = new List<PlannedMove>();
        if (PlanAhead() && _planned.Count == 0 && moves.Count == 0)
        {
            await EndAsync(cancellationToken);
            return;
        }

        while (moves.Count < options.Value.RebalanceConcurrency && _planned.TryDequeue(out var next))
        {
            if (!IsStillGood(next) || !moves.TryAdd(new Move(next.Replica.Version, next.From, next.To, next.Replica.Size))) continue;
            begun.Add(next);
        }

        if (begun.Count == 0 && !ended) return;
        if (await SaveAsync(static record => record, cancellationToken))
        {
            foreach (var next in begun) LogMoving(next.Replica.Name, NameOf(next.From), NameOf(next.To));
            foreach (var move in moves.All.Where(move => !Holds(move.To, move.Version))) fixer.Continue(move, LimitPerMove);
        }
        else
        {
            foreach (var next in begun) moves.Remove(next.Replica.Version);
        }
    }

    /// <summary>Sees to it that what is planned fits those who are there.</summary>
    /// <returns>False: now is not the time, and nothing is planned.</returns>
    private bool PlanAhead()
    {
        var census = registry.Census;
        var misses = registry.MissesSomebody(Patience);
        // What was planned without a node that is there again, or with one that is not, would have to be moved back.
        if (misses || census is null || !census.Equals(_plannedFor)) _planned.Clear();
        if (misses) return false;
        if (_planned.Count > 0 || moves.Count >= options.Value.RebalanceConcurrency) return true;
        if (Plan(census) is not { } plan) return false;
        (_planned, _plannedFor) = (new Queue<PlannedMove>(plan.Moves), census);
        return true;
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        // What is shown is some seconds old at most, but not older than the end.
        lock (_looking) _shown = null;
        if (!await SaveAsync(static record => record with { State = RebalanceState.None, Ended = "finished" }, cancellationToken)) return;
        activity.Note(ActivityKinds.RebalanceEnded, detail: $"finished, {Counted.Of(Record.MoviesMoved, "movie", "movies")} moved", size: Record.BytesMoved);
        LogEnded(Record.MoviesMoved, Record.BytesMoved);
    }

    private async Task<bool> ChangeAsync(Func<RebalanceRecord, RebalanceRecord> change, string kind, CancellationToken cancellationToken)
    {
        if (!session.Attached || (!_recalled && !await RecallAsync())) return false;
        if (change(Record) == Record) return true;
        if (!await SaveAsync(change, cancellationToken)) return false;
        var after = Record;
        lock (_looking) _shown = null;
        activity.Note(kind, detail: after.Ended, size: kind == ActivityKinds.RebalanceEnded ? after.BytesMoved : null);
        LogChanged(after.State, after.Ended ?? "by an admin's wish");
        Wake();
        return true;
    }

    private async Task<bool> SaveAsync(Func<RebalanceRecord, RebalanceRecord> change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            var record = change(Record) with { Underway = moves.All };
            if (!await session.SaveRebalanceAsync(record is { State: RebalanceState.None, Since: null } ? null : record.Write(), cancellationToken)) return false;
            Volatile.Write(ref _record, record);
            return true;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <param name="census">Of now.</param>
    /// <returns>Null: not all have told what they hold.</returns>
    private RebalancePlan? Plan(Census? census)
    {
        if (census is null) return null;
        var plan = RebalancePlanner.Plan(registry.View, Movies(), moves.All, options.Value.ReplicationFactor, fixer.Healing, _avoid.Keys.ToHashSet());
        // Looking takes seconds where there are millions of movies: a worker that began anew in the meantime was seen without what it had not told yet.
        return census.Equals(registry.Census) ? plan : null;
    }

    private IEnumerable<(ReplicaDescription, IReadOnlyList<HeldCopy>)> Movies()
    {
        foreach (var entry in catalog.Entries) yield return (entry.Replica, Copies.Of(registry, entry.Replica));
    }

    private bool IsStillGood(PlannedMove next)
    {
        var view = registry.View;
        return catalog.Find(next.Replica.Name)?.Version == next.Replica.Version && Holds(next.From, next.Replica.Version) && !Holds(next.To, next.Replica.Version)
            && Copies.Count(registry, next.Replica) >= CopyGoal.Of(options.Value.ReplicationFactor, view)
            && view.Find(next.To) is { TakesCopies: true } to && !Placement.IsFull(to, next.Replica.Size);
    }

    private void Drop(Move move)
    {
        moves.Remove(move.Version);
        if (!Holds(move.To, move.Version)) fixer.GiveUp(move);
    }

    private long LimitPerMove => DrainPace.OfEach(Record.BytesPerSecond, options.Value.RebalanceConcurrency);

    private bool Holds(NodeId node, MovieVersion version) => registry.Replicas.HoldersOf(version).Any(holder => holder.Node == node && !holder.Damaged);

    private bool IsLive(NodeId node) => registry.View.Find(node) is { Alive: true, Draining: false };

    private string NameOf(NodeId node) => registry.View.Find(node)?.RingKey ?? node.Value;

    [LoggerMessage(Level = LogLevel.Information, Message = "Rebalancing: '{Name}' moves from node {From} to node {To}.")]
    private partial void LogMoving(Protocol.Names.FileName name, string from, string to);

    [LoggerMessage(Level = LogLevel.Information, Message = "The rebalance is {State} now: {Why}.")]
    private partial void LogChanged(RebalanceState state, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "The rebalance is over: {Movies} movies of {Bytes} bytes were moved.")]
    private partial void LogEnded(int movies, long bytes);
}
