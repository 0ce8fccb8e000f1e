using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>
/// One beat and its answer (design, section 6): who speaks, what has changed there, and what the master wants in return. Costs what has
/// changed, not what the node holds.
/// </summary>
public sealed partial class BeatConversation(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    MasterIdentity identity,
    ClusterClock clock,
    RebuildState rebuild,
    Adoption adoption,
    ICopiesWatch fixer,
    IEnumerable<IOrderSource> orderSources,
    ActivityLog activity,
    RefusedNodes refusals,
    TimeProvider time,
    ILogger<BeatConversation> logger)
{
    /// <summary>Orders in one reply: a worker carries them out in turn, and the next beat brings the rest.</summary>
    private const int MaxOrders = 500;

    /// <summary>Tombstones in one reply, about 100 bytes each.</summary>
    private const int MaxTombstones = 500;

    // A worker whose memory of the highest version is beyond this is broken; believing it would use up the numbers.
    private static readonly TimeSpan _furthestFuture = TimeSpan.FromDays(365 * 20);

    private readonly IOrderSource[] _orderSources = [.. orderSources];

    public async Task<BeatReply> AnswerAsync(Beat beat, CancellationToken cancellationToken)
    {
        // Before anything of it is believed: the age, the epoch and the versions of another cluster mean nothing here.
        if (IsForeign(beat)) return RefuseForeign(beat);
        await HearAsync(beat, cancellationToken);
        if (IsForeign(beat)) return RefuseForeign(beat);

        var (joined, left) = (false, false);
        var changed = new List<ReplicaReport>();
        BeatReply? refused = null;
        NodeState? state = null;
        lock (registry.Gate)
        {
            if (Identify(beat, out state, out var replaces) is { } reason)
            {
                refused = Refuse(beat, reason);
                NoteRefused(beat, reason, replaces);
            }
            else if (beat.Number > state!.LastNumber)
            {
                left = beat.Leaving && state.Alive;
                joined = Take(beat, state, changed);
            }
        }

        if (refused is not null) return refused;
        refusals.Forget(beat);
        foreach (var report in changed.Where(report => report.Damaged)) activity.Tally(ActivityKinds.Damaged, report.Replica.Name, state!.RingKey, report.Replica.Size);
        Reconsider(state!.Id, changed);
        if (joined)
        {
            LogJoined(state.RingKey, beat.Address, beat.ReplicaCount);
            if (WireVersion.Remark($"Node {state.RingKey}", beat.Protocol) is { } remark) LogOtherVersion(remark);
            registry.AnnounceAlive(state.Id);
        }

        if (left)
        {
            LogLeft(state.RingKey);
            registry.AnnounceGone(state.Id);
        }

        // Whoever leaves carries nothing out any more.
        if (beat.Leaving) return Farewell(beat);
        lock (registry.Gate) return Reply(beat, state);
    }

    /// <summary>One page of an inventory. After the last one the node counts, and what it does not know is owed to it.</summary>
    public InventoryReply TakePage(InventoryPage page)
    {
        IReadOnlyList<ReplicaReport>? heard;
        lock (registry.Gate)
        {
            if (registry.Find(page.Node) is not { } state || state.Life != page.Life || page.Number < state.ObeyedFrom) return new InventoryReply(false);
            // Tombstones first: what is buried must not be adopted in between (design, section 2.6).
            adoption.ConsiderTombstones(page.Tombstones);
            foreach (var held in page.Tombstones) Tell(state, held);
            heard = state.Inventory.TakePage(page with { Replicas = [.. page.Replicas.Select(Shared)] });
            if (heard is null) return new InventoryReply(false);
            if (page.Last)
            {
                // A beat that was overtaken by the whole has nothing left to say about it.
                state.LastNumber = Math.Max(state.LastNumber, page.Number);
                OweWhatItLacks(state);
                LogInventory(state.RingKey, state.Inventory.Count);
            }
        }

        Reconsider(page.Node, heard);
        if (page.Last) registry.AnnounceAlive(page.Node);
        return new InventoryReply(true);
    }

    private bool IsForeign(Beat beat) => beat.ClusterId is not null && identity.ClusterId.Length > 0 && beat.ClusterId != identity.ClusterId;

    private BeatReply RefuseForeign(Beat beat)
    {
        LogOtherCluster(beat.Node, beat.Address, beat.ClusterId!, identity.ClusterId);
        const string reason = "This node's data belongs to another cluster. Point the node at its own master, or give it an empty data directory.";
        NoteRefused(beat, reason, null);
        return Refuse(beat, reason);
    }

    private async Task HearAsync(Beat beat, CancellationToken cancellationToken)
    {
        clock.Hear(beat.ClusterAge);
        if (beat.HighestVersion <= VersionMint.Next(time.GetUtcNow() + _furthestFuture, MovieVersion.None)) catalog.Hear(beat.HighestVersion);
        else LogAbsurdVersion(beat.Address, beat.HighestVersion.Number);
        identity.HearEpoch(beat.Epoch);
        if (identity.Epoch > 0 && beat.Epoch > identity.Epoch) await session.MeetHigherEpochAsync(beat.Epoch, cancellationToken);
        if (beat.ClusterId is not null && identity.ClusterId.Length == 0) await session.LearnClusterIdAsync(beat.ClusterId, fromWorker: true, cancellationToken);
        if (identity.ClusterId.Length == 0) await session.NameClusterAsync(allHaveSpoken: false, cancellationToken);
    }

    /// <summary>Finds out whose beat it is; a sentence if it may not take part. Under the lock.</summary>
    /// <param name="replaces">The silent node that would have to be forgotten for it to be let in.</param>
    private string? Identify(Beat beat, out NodeState? state, out NodeId? replaces)
    {
        replaces = null;
        var ringKey = beat.Name ?? beat.Address;
        state = registry.Find(beat.Node);
        var rival = registry.States.FirstOrDefault(other => other.Id != beat.Node && other.RingKey == ringKey && other.Alive);
        if (rival is not null)
        {
            return $"Another node ({rival.Id}) is beating as '{ringKey}'. Give this one a name of its own (Mdfs:Worker:Name), or stop the other first.";
        }

        // A name that another id has had: a new disk, or one that is not mounted, so that the worker made itself a new identity in the empty directory below. With an address
        // for a name it is just a new owner of the address.
        if (state is null && beat.Name is not null && registry.States.FirstOrDefault(other => other.RingKey == ringKey) is { } before)
        {
            replaces = before.Id;
            return $"This node has a new identity under the name '{ringKey}', which node {before.Id} has had. If the disk of that one is only not mounted, stop this worker, mount it and start it again. "
                + $"If it is gone for good, confirm that this one takes its place: mdfs nodes confirm {ringKey}. Else give this one a name of its own (Mdfs:Worker:Name).";
        }

        state ??= registry.FindOrAdd(beat.Node, ringKey);
        if (state.Life == beat.Life) return null;
        if (state.PreviousLife == beat.Life)
        {
            // The life that was thought to be over beats again beside its successor: one data directory exists twice. The later one is refused.
            LogTwoLives(state.RingKey, beat.Address);
            state.RefusedLives.Add(state.Life!);
            Begin(state, beat, previous: null);
            return null;
        }

        // Only while the other goes on: if that was the last word of a process that has ended, delivered late, the one that is left is the node.
        if (state.Alive && state.RefusedLives.Contains(beat.Life))
        {
            return "Another worker with the same node id is beating: its data directory was copied. Stop one of them; a copy needs an empty data directory of its own.";
        }

        Begin(state, beat, previous: state.Life);
        return null;
    }

    private void Begin(NodeState state, Beat beat, string? previous)
    {
        state.PreviousLife = previous;
        state.Life = beat.Life;
        state.LastNumber = 0;
        state.ObeyedFrom = long.MaxValue;
        state.Began = time.GetTimestamp();
        state.RefusedLives.Remove(beat.Life);
        state.SettledAge = beat.SettledAge;
        state.HeldTombstones.Clear();
        state.Inventory.Clear();
        state.Suspects.Clear();
        state.Doubted.Clear();
        state.OwedTombstones.Clear();
    }

    /// <summary>Takes over what the beat says. Under the lock; true if the node joined or came back with it.</summary>
    private bool Take(Beat beat, NodeState state, List<ReplicaReport> changed)
    {
        var first = state.LastNumber == 0;
        var moved = state.Address != beat.Address || state.PublicUrl != beat.PublicUrl || state.Zone != beat.Zone || state.Name != beat.Name;
        state.LastNumber = beat.Number;
        state.LastBeat = time.GetTimestamp();
        state.LastHeardAge = clock.Age;
        state.SettledAge = beat.SettledAge;
        state.RingKey = beat.Name ?? beat.Address;
        state.Name = beat.Name;
        state.Address = beat.Address;
        state.PublicUrl = beat.PublicUrl;
        state.Zone = beat.Zone;
        state.Space = beat.Space;
        // Every upload reserves its space when it is opened, so this beat knows of all that was promised.
        state.Pending = 0;
        state.ClosedForWrites = beat.ClosedForWrites;
        if (state.Failed != beat.Failed)
        {
            if (beat.Failed is { } failed) LogFailed(state.RingKey, failed);
            activity.Note(beat.Failed is null ? ActivityKinds.NodeMended : ActivityKinds.NodeFailed, node: state.RingKey, detail: beat.Failed);
            state.Failed = beat.Failed;
            fixer.LookAgain();
        }

        state.Streams = beat.Streams;
        state.About = beat.About;
        state.Prepared = beat.Prepared;
        state.Unfinished = beat.Unfinished;
        state.Pulls = beat.Pulls;
        state.Scrub = beat.Scrub;
        state.Protocol = beat.Protocol;
        NoteClock(beat, state);
        if (beat.Quarantined > state.Quarantined) activity.Note(ActivityKinds.Quarantined, node: state.RingKey, detail: $"{beat.Quarantined - state.Quarantined} more, {beat.Quarantined} in all");
        state.Quarantined = beat.Quarantined;
        // Either side may know of a drain the other has forgotten: Redis went back, or the node was away when it began.
        state.Draining |= beat.Draining && first;

        if (Obeys(beat))
        {
            state.ObeyedFrom = Math.Min(state.ObeyedFrom, beat.Number);
            foreach (var report in beat.Changed)
            {
                if (state.Inventory.Set(Shared(report), beat.Number)) changed.Add(report);
            }

            foreach (var version in beat.Removed) state.Inventory.Remove(version, beat.Number);
            state.Inventory.DropOldAbsences(beat.Number);
        }
        else
        {
            // It may still be carrying out an order of our predecessor: what it holds counts from the first beat on that carries our epoch.
            state.ObeyedFrom = long.MaxValue;
            state.Inventory.Clear();
        }

        // Exactly that reply: one before it may have been lost, and one after it repeats what was owed then.
        foreach (var (name, owed) in state.OwedTombstones)
        {
            if (owed.SentWith > 0 && owed.SentWith == beat.AppliedReply) state.OwedTombstones.Remove(name);
        }

        foreach (var failure in beat.FailedPulls)
        {
            LogPullFailed(state.RingKey, failure.Version.Number, failure.Reason);
            fixer.PullFailed(state.Id, failure.Version);
        }

        state.Unsaved |= first || moved;
        if (beat.Leaving)
        {
            registry.Leave(state, beat.LeavingFor > 0 ? clock.Age + beat.LeavingFor : null);
            return false;
        }

        if (!state.Alive || first) return registry.Revive(state) || moved || first;
        registry.Publish();
        return moved;
    }

    /// <summary>Once per change: tokens, orders and ages go by the master's time, so that a wrong clock only puzzles people.</summary>
    private void NoteClock(Beat beat, NodeState state)
    {
        if (beat.Clock == 0) return;
        var skew = (beat.Clock - time.GetUtcNow().ToUnixTimeMilliseconds()) / 1000.0;
        var off = Math.Abs(skew) > NodeState.ToleratedSkew;
        if (off && !(Math.Abs(state.ClockSkew ?? 0) > NodeState.ToleratedSkew)) LogClock(state.RingKey, Math.Round(skew));
        state.ClockSkew = skew;
    }

    private bool Obeys(Beat beat) => identity.Epoch == 0 || beat.Epoch == identity.Epoch;

    private BeatReply Reply(Beat beat, NodeState state)
    {
        var number = ++state.ReplyNumber;
        var orders = new List<NodeOrder>();
        // Without a name of the cluster every replica would look like another cluster's.
        var reigns = identity.Epoch > 0 && identity.ClusterId.Length > 0;
        if (reigns)
        {
            foreach (var source in _orderSources)
            {
                source.AddOrders(state, orders);
                if (orders.Count >= MaxOrders) break;
            }
        }

        var tombstones = new List<Tombstone>();
        if (reigns && state.Inventory.Complete)
        {
            foreach (var (name, owed) in state.OwedTombstones.Take(MaxTombstones).ToList())
            {
                tombstones.Add(owed.Tombstone);
                state.OwedTombstones[name] = (owed.Tombstone, number);
            }
        }

        // Sent once: a tombstone that is kept too long harms nothing, and the next inventory shows it.
        var forget = reigns ? state.OwedForgets.Take(MaxTombstones).ToList() : [];
        if (forget.Count > 0) state.OwedForgets.RemoveRange(0, forget.Count);

        return new BeatReply
        {
            Number = number,
            Protocol = WireVersion.Current,
            Epoch = identity.Epoch is > 0 and var epoch ? epoch : beat.Epoch,
            ClusterId = identity.ClusterId,
            MasterTime = time.GetUtcNow().ToUnixTimeMilliseconds(),
            ClusterAge = clock.Age,
            Settled = reigns && IsSettled(state, tombstones.Count),
            HighestVersion = catalog.Highest,
            Acknowledged = beat.Number,
            SendInventory = Obeys(beat) && (!state.Inventory.Complete || !state.Inventory.AgreesWith(beat)),
            Draining = state.Draining,
            Orders = orders.Count > MaxOrders ? orders.GetRange(0, MaxOrders) : orders,
            Tombstones = tombstones,
            Forget = forget,
        };
    }

    /// <summary>
    /// Whether all that the node holds has been judged and carried out: only then does its own memory of the cluster's age move on
    /// (docs/decisions/absence.md).
    /// </summary>
    private bool IsSettled(NodeState state, int tombstonesInThisReply) =>
        state.Inventory.Complete && rebuild.Reason is null && adoption.IsIdle && !state.Unsettled && state.OwedTombstones.Count <= tombstonesInThisReply;

    private void Reconsider(NodeId node, IReadOnlyList<ReplicaReport> reports)
    {
        if (reports.Count == 0) return;
        var names = new List<FileName>();
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { } state) return;
            foreach (var report in reports)
            {
                catalog.Hear(report.Replica.Version);
                var entry = catalog.Find(report.Replica.Name);
                if (entry is not null && entry.Version == report.Replica.Version && entry.Size == report.Replica.Size && entry.Checksum == report.Replica.Checksum) continue;
                state.Suspects.Add(report.Replica.Version);
                names.Add(report.Replica.Name);
            }
        }

        adoption.Consider(names);
    }

    private static void Tell(NodeState state, Tombstone held)
    {
        if (state.OwedTombstones.TryGetValue(held.Name, out var owed) && owed.Tombstone.Bound <= held.Bound) state.OwedTombstones.Remove(held.Name);
        state.HeldTombstones[held.Name] = held.Bound;
    }

    private void OweWhatItLacks(NodeState state)
    {
        foreach (var tombstone in catalog.Tombstones)
        {
            if (state.HeldTombstones.TryGetValue(tombstone.Name, out var bound) && bound >= tombstone.Bound) continue;
            state.OwedTombstones[tombstone.Name] = (tombstone, 0);
        }

        state.HeldTombstones.Clear();
    }

    private void NoteRefused(Beat beat, string reason, NodeId? replaces)
    {
        if (!refusals.Note(beat, reason, replaces)) return;
        LogRefused(beat.Address, reason);
        activity.Note(ActivityKinds.NodeRefused, node: beat.Name ?? beat.Address, detail: reason);
    }

    private BeatReply Refuse(Beat beat, string reason) => Farewell(beat) with { Refused = reason };

    /// <summary>Orders nothing and teaches nothing.</summary>
    private BeatReply Farewell(Beat beat) => new()
    {
        Number = 0,
        Protocol = WireVersion.Current,
        Epoch = identity.Epoch > 0 ? identity.Epoch : beat.Epoch,
        ClusterId = identity.ClusterId,
        MasterTime = time.GetUtcNow().ToUnixTimeMilliseconds(),
        ClusterAge = beat.ClusterAge,
        HighestVersion = beat.HighestVersion,
    };

    /// <summary>A report of what the catalog has describes it with the catalog's own words: one description in memory for all copies.</summary>
    private ReplicaReport Shared(ReplicaReport report) =>
        catalog.Find(report.Replica.Name)?.Replica is { } known && known == report.Replica ? report with { Replica = known } : report;

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} joined from {Address} with {Replicas} replicas.")]
    private partial void LogJoined(string node, string address, long replicas);

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} stops, as it says. It is not read from any more, and its copies wait for it for a while.")]
    private partial void LogLeft(string node);

    [LoggerMessage(Level = LogLevel.Error, Message = "The node at {Address} is refused: {Reason}")]
    private partial void LogRefused(string address, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The clock of node {Node} is {Seconds} s off. Nothing depends on it; times that it tells are wrong.")]
    private partial void LogClock(string node, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} is out: {Reason}")]
    private partial void LogFailed(string node, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Remark}")]
    private partial void LogOtherVersion(string remark);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Node {Node} has told its whole inventory: {Replicas} replicas.")]
    private partial void LogInventory(string node, int replicas);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} at {Address} was refused: its data belongs to cluster {Theirs}, this is {Ours}.")]
    private partial void LogOtherCluster(NodeId node, string address, string theirs, string ours);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} beats from two processes at once; the later one is refused. Its data directory was copied: {Address} goes on.")]
    private partial void LogTwoLives(string node, string address);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node at {Address} speaks of version {Version}, which lies decades ahead. It is not believed.")]
    private partial void LogAbsurdVersion(string address, long version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} could not copy version {Version}: {Reason}")]
    private partial void LogPullFailed(string node, long version, string reason);
}
