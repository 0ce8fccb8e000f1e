using System.Collections.Concurrent;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>
/// The replication fixer (design, section 6): every few seconds, and at once when something happened, it looks which movies lack copies and has
/// nodes pull them from one another. The bytes never pass through the master.
/// </summary>
public sealed partial class Fixer(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    WorkerClient workers,
    StreamCounter streams,
    CopySurvey survey,
    Trimmer trimmer,
    HolderHints hints,
    ActivityLog events,
    ChangeMetrics metrics,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<Fixer> logger)
    : PeriodicService(time, () => options.Value.RepairInterval, logger), IOrderSource, ICopiesWatch
{
    /// <summary>How long a node on which a pull failed is not asked again for the same version.</summary>
    private static readonly TimeSpan _avoidFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<(MovieVersion Version, NodeId Target), Pull> _pulls = new();
    private readonly ConcurrentDictionary<(MovieVersion Version, NodeId Target), long> _avoid = new();
    private readonly PullsAhead _ahead = new();

    // Pulls that were given up and that their nodes may still be about.
    private readonly ConcurrentDictionary<(MovieVersion Version, NodeId Target), long> _unwanted = new();
    private readonly MassLoss _massLoss = new(time);
    private Dictionary<MovieVersion, long> _lacking = [];
    private long _copied;

    /// <summary>Copies that lack and are being made; those that change their place are <see cref="Moves"/>.</summary>
    public int Running => _pulls.Count(static pair => pair.Value is { IsMove: false, Made: false });

    /// <summary>The same, one by one.</summary>
    public IReadOnlyList<RunningPull> Healing => [.. _pulls.Where(static pair => !pair.Value.IsMove && !pair.Value.Made).Select(static pair => new RunningPull(pair.Key.Version, pair.Key.Target))];

    /// <summary>Copies made since the start.</summary>
    public long Healed { get; private set; }

    /// <summary>Bytes that these still have to move.</summary>
    public long BytesToGo => _pulls.Values.Where(static pull => !pull.IsMove).Sum(static pull => pull.ToGo);

    /// <summary>Bytes still to be copied until nothing lacks: by copies under way, and by those that nobody is making yet.</summary>
    public long BytesLeft => BytesToGo + BytesWaiting;

    /// <summary>Movies that lack a copy nobody is making yet, as of the last look.</summary>
    public int Waiting { get; private set; }

    /// <summary>Of these, those that wait for no more than that <see cref="MasterOptions.RepairDelay"/> is over, as of the last look.</summary>
    public int Delayed { get; private set; }

    /// <summary>Movies whose copies lack because nodes are away that are expected back, or leave by a drain that is paused: nothing is made in their place, as of the last look. None of them is in <see cref="Delayed"/>.</summary>
    public int Awaited { get; private set; }

    /// <summary>Bytes of the copies that are lacking and that nobody is making yet, as of the last look and of what was begun since.</summary>
    public long BytesWaiting { get; private set; }

    /// <summary>Bytes that nodes have copied from one another since the start, as far as they have told.</summary>
    public long BytesCopied => Interlocked.Read(ref _copied);

    /// <summary>Why missing copies wait longer than usual, as a sentence; null: they do not.</summary>
    public string? HeldUp { get; private set; }

    /// <summary>Something has changed: what was planned before, and is not begun, may not be wanted any more.</summary>
    public void LookAgain()
    {
        _ahead.Clear();
        Wake();
    }

    /// <summary>Pull orders remove nothing, so they may be repeated until the node shows that it heard them.</summary>
    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        Begin(node);
        foreach (var progress in node.Pulls)
        {
            if (!IsWanted(progress.Version) || _unwanted.ContainsKey((progress.Version, node.Id))) orders.Add(new CancelPullOrder(progress.Version));
            if (!_pulls.TryGetValue((progress.Version, node.Id), out var pull)) continue;
            if (progress.Done != pull.Done) pull.LastProgress = Time.GetTimestamp();
            Told(pull, progress.Done, progress.Kept);
        }

        foreach (var ((version, target), pull) in _pulls)
        {
            // Of a changed one its node never says which order it goes by.
            if (target != node.Id || pull.Made || (!pull.IsChanged && node.Pulls.Any(progress => progress.Version == version))) continue;
            orders.Add(pull.Order);
        }

        foreach (var (key, since) in _unwanted)
        {
            // A beat that does not tell of it may have been on its way before the order for it arrived.
            if (key.Target == node.Id && Time.GetElapsedTime(since) >= NodeOrder.Life && !node.Pulls.Any(progress => progress.Version == key.Version)) _unwanted.TryRemove(key, out _);
        }
    }

    /// <summary>Has the node begin what is planned for it, as far as it has places free. Under the registry's lock, as all beats are answered.</summary>
    private void Begin(NodeState node)
    {
        foreach (var ((version, target), pull) in _pulls)
        {
            if (target != node.Id || pull.Made || !IsMade(version, target)) continue;
            pull.Made = true;
            if (_ahead.IsEmptyFor(node.Id)) Wake();
        }

        foreach (var planned in _ahead.Take(node.Id, Places(), options.Value.RepairConcurrencyPerNode, options.Value.MostPulls(registry.View.AliveCount), Slow(), options.Value.RebalanceConcurrency))
        {
            var key = (planned.Order.Replica.Version, planned.Target);
            _unwanted.TryRemove(key, out _);
            _pulls[key] = new Pull(planned.Order, Time.GetTimestamp());
            // Nothing is begun while a look counts them.
            BytesWaiting = Math.Max(0, BytesWaiting - planned.Order.Replica.Size);
            LogOrdered(planned.Order.Replica.Name, node.RingKey);
        }
    }

    /// <summary>Copies that each node is making.</summary>
    private Dictionary<NodeId, int> Places() => _pulls.Where(static pair => !pair.Value.Made).CountBy(static pair => pair.Key.Target).ToDictionary();

    /// <summary>Of these, those of drains with a limit.</summary>
    private Dictionary<NodeId, int> Slow() =>
        _pulls.Where(static pair => pair.Value is { Made: false, IsMove: false, Order.BytesPerSecond: > 0 }).CountBy(static pair => pair.Key.Target).ToDictionary();

    private bool IsMade(MovieVersion version, NodeId target) => registry.Replicas.HoldersOf(version).Any(holder => holder.Node == target && !holder.Damaged);

    /// <summary>Has the copy of a move made, unless it is under way.</summary>
    /// <returns>False: it failed a short while ago, or there is nobody to copy from or to.</returns>
    public bool Continue(Move move, long bytesPerSecond)
    {
        var key = (move.Version, move.To);
        if (_pulls.ContainsKey(key)) return true;
        var view = registry.View;
        if (_avoid.ContainsKey(key) || view.Find(move.To) is not { Alive: true } || registry.Replicas.Describe(move.Version) is not { } replica) return false;
        var activity = Activity();
        var sources = registry.Replicas.CopiesOf(replica).Where(holder => !holder.Damaged).Select(holder => view.Find(holder.Node)).OfType<NodeView>().Where(node => node.Alive)
            .OrderBy(node => activity.TryGetValue(node.Id, out var busy) ? busy.Streams : 0).Select(node => new PullSource(node.Id, node.Address)).ToList();
        if (sources.Count == 0) return false;
        _unwanted.TryRemove(key, out _);
        return _pulls.TryAdd(key, new Pull(new PullOrder(replica, sources, bytesPerSecond), Time.GetTimestamp(), isMove: true));
    }

    /// <summary>A move that is not wanted any more.</summary>
    public void GiveUp(Move move)
    {
        var key = (move.Version, move.To);
        if (_pulls.TryGetValue(key, out var pull) && pull.IsMove) GiveUp(key);
    }

    // Its node is told to stop, should it be at it.
    private void GiveUp((MovieVersion Version, NodeId Target) key)
    {
        if (_pulls.TryRemove(key, out _)) _unwanted[key] = Time.GetTimestamp();
    }

    /// <summary>Whether the version is still somebody's current one. What no node reports is not judged: its holders may not have come yet.</summary>
    private bool IsWanted(MovieVersion version) =>
        registry.Replicas.Describe(version) is not { } replica || catalog.Find(replica.Name)?.Version == version;

    public void PullFailed(NodeId target, MovieVersion version)
    {
        _pulls.TryRemove((version, target), out _);
        _avoid[(version, target)] = Time.GetTimestamp();
        Wake();
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        // What is planned anew is not begun meanwhile.
        _ahead.Clear();
        if (!session.Attached) return;
        DropFinished();
        await hints.FlushAsync(cancellationToken);
        var view = registry.View;
        var activity = Activity();
        // A node that has just come back holds what it held; planning before it has said so would copy its whole library. Asked before the survey too: a node
        // whose last page comes in the middle of one is missing in what was seen before.
        var awaited = registry.AwaitsInventory;
        var candidates = Survey(view);
        if (awaited || !session.IsSure || registry.AwaitsInventory) return;
        GiveUpWhatIsThereAgain();
        HeldUp = _massLoss.Look(view, activity, options.Value.NodeTimeout, options.Value.MassLossDelay);
        var changed = HeldUp is null ? PaceSlowPulls(view, candidates) : [];
        var rules = RepairRules.Of(options.Value, view.AliveCount, HeldUp is not null ? TimeSpan.MaxValue : options.Value.RepairDelay);
        var running = _pulls.Select(static pair => new RunningPull(pair.Key.Version, pair.Key.Target, pair.Value.ToGo, pair.Value.Order.Sources[0].Node)).ToList();
        var plan = RepairPlanner.Plan(view, candidates, running, activity, rules, inGrace: false);
        _ahead.Replace(plan);

        trimmer.Plan(view, activity);
        var places = Places();
        var told = plan.Select(planned => planned.Target).Where(node => places.GetValueOrDefault(node) < options.Value.RepairConcurrencyPerNode).Concat(trimmer.Wanted).Concat(changed).Distinct().Select(view.Find).OfType<NodeView>();
        await Task.WhenAll(told.Select(node => workers.BeatNowAsync(node, cancellationToken)));
    }

    /// <summary>Who lacks copies, who has too many.</summary>
    private List<RepairCandidate> Survey(ClusterView view)
    {
        var now = Time.GetTimestamp();
        var goal = CopyGoal.Of(options.Value.ReplicationFactor, view);
        var lacking = new Dictionary<MovieVersion, long>();
        var candidates = new List<RepairCandidate>();
        var waiting = 0;
        var delayed = 0;
        var awaited = 0;
        var bytesWaiting = 0L;
        var unheard = registry.AwaitedUnheard();
        // What has been stored while a node is away may have no other place to go to than that node.
        var there = view.Nodes.Count(static node => node is { Draining: false, Expected: false });
        var made = _pulls.Keys.CountBy(key => key.Version).ToDictionary();
        var avoided = _avoid.Where(pair => Time.GetElapsedTime(pair.Value) < _avoidFor).ToLookup(static pair => pair.Key.Version, static pair => pair.Key.Target);
        trimmer.BeginSurvey();
        foreach (var (entry, copies, lacks) in survey.Look(view))
        {
            if (!lacks)
            {
                trimmer.NoteSurplus(entry.Replica);
                continue;
            }

            var since = _lacking.GetValueOrDefault(entry.Version, now);
            lacking[entry.Version] = since;
            var hinted = unheard.Count == 0 ? [] : entry.Hint.Where(unheard.Contains).ToList();
            var left = goal - copies.Counted - copies.Awaited - hinted.Count - made.GetValueOrDefault(entry.Version);
            if (left > 0) waiting++;
            if (left > 0 && Time.GetElapsedTime(since) < options.Value.RepairDelay) delayed++;
            else if (copies.Counted + Math.Max(copies.Awaited + hinted.Count, goal - there) >= goal) awaited++;
            bytesWaiting += Math.Max(0, left) * entry.Size;
            List<NodeId> avoid = avoided.Contains(entry.Version) ? [.. avoided[entry.Version]] : [];
            candidates.Add(new RepairCandidate(entry.Replica, Copies.Of(registry, entry.Replica), Time.GetElapsedTime(since), avoid, hinted));
        }

        trimmer.EndSurvey();
        _lacking = lacking;
        Waiting = waiting;
        Delayed = delayed;
        Awaited = awaited;
        BytesWaiting = bytesWaiting;
        return candidates;
    }

    /// <summary>A copy that was made for nothing but a drain may since be the only one that a movie can have, and has then no time to lose.</summary>
    /// <returns>The nodes that have to be told.</returns>
    private List<NodeId> PaceSlowPulls(ClusterView view, List<RepairCandidate> candidates)
    {
        var told = new List<NodeId>();
        var slow = _pulls.Where(static pair => pair.Value is { Made: false, IsMove: false, Order.BytesPerSecond: > 0 }).ToList();
        if (slow.Count == 0) return told;
        var goal = CopyGoal.Of(options.Value.ReplicationFactor, view);
        var lacking = candidates.ToLookup(static candidate => candidate.Replica.Version);
        foreach (var ((version, target), pull) in slow)
        {
            if (lacking[version].FirstOrDefault() is not { } candidate) continue;
            var pace = DrainPace.OfEach(DrainPace.Of(view, candidate, goal, begun: true), options.Value.RebalanceConcurrency);
            if (pace == pull.Order.BytesPerSecond) continue;
            pull.Change(pace);
            told.Add(target);
        }

        return told;
    }

    /// <summary>Copies that were lacking a moment ago and are there again, since their nodes came back: nobody needs them a second time.</summary>
    private void GiveUpWhatIsThereAgain()
    {
        foreach (var (key, pull) in _pulls)
        {
            if (pull.IsMove || _lacking.ContainsKey(key.Version) || registry.Replicas.HoldersOf(key.Version).Any(holder => holder.Node == key.Target)) continue;
            GiveUp(key);
        }
    }

    private void DropFinished()
    {
        var view = registry.View;
        foreach (var ((version, target), pull) in _pulls)
        {
            var made = IsMade(version, target);
            var current = catalog.Find(pull.Order.Replica.Name)?.Version == version;
            var silent = Time.GetElapsedTime(pull.LastProgress) > TimeSpan.FromMinutes(2);
            if (made)
            {
                if (!pull.IsMove) Healed++;
                metrics.Copied(Time.GetElapsedTime(pull.Ordered));
                Told(pull, pull.Order.Replica.Size, pull.Kept);
                hints.Note(version);
                events.Tally(pull.IsMove ? ActivityKinds.Moved : ActivityKinds.Healed, pull.Order.Replica.Name, view.Find(target)?.RingKey ?? target.Value, pull.Order.Replica.Size);
                if (!pull.IsMove) LogHealed(pull.Order.Replica.Name, view.Find(target)?.RingKey ?? target.Value);
            }
            else if (current && view.Find(target) is { Alive: true })
            {
                // One that waits in its node's row for so long would still be made some day, beside the one that is made in its place.
                if (silent) GiveUp((version, target));
                continue;
            }

            _pulls.TryRemove((version, target), out _);
        }

        foreach (var (key, since) in _avoid)
        {
            if (Time.GetElapsedTime(since) >= _avoidFor) _avoid.TryRemove(key, out _);
        }
    }

    /// <summary>
    /// What an interrupted pull has kept is re-read and not copied. One that was begun anew, or whose node was started again, has copied less than before: what was copied twice
    /// was copied.
    /// </summary>
    private void Told(Pull pull, long done, long kept)
    {
        var copied = Math.Max(0, done - kept);
        Interlocked.Add(ref _copied, copied >= pull.Copied ? copied - pull.Copied : copied);
        (pull.Done, pull.Kept, pull.Copied) = (done, kept, copied);
    }

    private Dictionary<NodeId, NodeActivity> Activity()
    {
        lock (registry.Gate)
        {
            return registry.States.ToDictionary(
                state => state.Id,
                state => new NodeActivity(state.Streams + streams.OnNode(state.Id), state.Life is null ? TimeSpan.MaxValue : Time.GetElapsedTime(state.LastBeat)));
        }
    }

    private sealed class Pull(PullOrder order, long ordered, bool isMove = false)
    {
        // Looks change it, and beats read it.
        private volatile PullOrder _order = order;

        /// <summary>Nothing is missing: the copy changes its place.</summary>
        public bool IsMove => isMove;

        public PullOrder Order => _order;

        /// <summary>Its speed is another than the one it was begun with.</summary>
        public bool IsChanged { get; private set; }

        public long Ordered { get; } = ordered;

        public long Done { get; set; }

        /// <summary>Of these, what its node had of an interrupted attempt.</summary>
        public long Kept { get; set; }

        /// <summary>Bytes that its node has copied since it began, as of the last beat.</summary>
        public long Copied { get; set; }

        public long ToGo => Math.Max(0, Order.Replica.Size - Done);

        public long LastProgress { get; set; } = ordered;

        public void Change(long bytesPerSecond) => (_order, IsChanged) = (_order with { BytesPerSecond = bytesPerSecond }, true);

        /// <summary>Its node has told that the copy is there; the next look settles the rest.</summary>
        public bool Made { get; set; }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Healing: node {Node} copies '{Name}'.")]
    private partial void LogOrdered(Protocol.Names.FileName name, string node);

    [LoggerMessage(Level = LogLevel.Information, Message = "Healed: node {Node} has a copy of '{Name}' now.")]
    private partial void LogHealed(Protocol.Names.FileName name, string node);
}
