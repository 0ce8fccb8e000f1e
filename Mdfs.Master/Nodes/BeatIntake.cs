using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>What is believed of a node from now on, since its beat says so.</summary>
public sealed partial class BeatIntake(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, MasterIdentity identity, ClusterClock clock, ICopiesWatch fixer, ActivityLog activity, TimeProvider time, ILogger<BeatIntake> logger)
{
    /// <summary>Takes over what the beat says. Under the lock; true if the node joined or came back with it.</summary>
    public bool Take(Beat beat, NodeState state, List<ReplicaReport> changed)
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
        // Every upload reserves its space when it is opened, so this beat knows of all that was promised, whether it goes on or has ended.
        state.Pending = 0;
        NoteClosed(beat, state);
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
        HearDrain(beat, state, first);

        if (identity.IsObeyedIn(beat))
        {
            state.ObeyedFrom = Math.Min(state.ObeyedFrom, beat.Number);
            state.AppliedReply = beat.AppliedReply;
            foreach (var report in beat.Changed)
            {
                if (state.Inventory.Set(Shared(report), beat.Number)) changed.Add(report);
            }

            foreach (var version in beat.Removed) state.Inventory.Remove(version, beat.Number);
            state.Inventory.DropOld(beat.Number);
        }
        else
        {
            // It may still be carrying out an order of our predecessor: what it holds counts from the first beat on that carries our epoch.
            state.ObeyedFrom = long.MaxValue;
            state.AppliedReply = 0;
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

    /// <summary>
    /// A node that was away when its drain was taken back still says that it is drained. So it is believed only where this master cannot know better: it has no record of the node, or Redis has not been
    /// reached, or has forgotten things, as may show only when the nodes have told what they hold.
    /// </summary>
    private void HearDrain(Beat beat, NodeState state, bool first)
    {
        if (first) state.ClaimsDraining = beat.Draining;
        if (state.ClaimsDraining && (!state.IsKnown || session.IsUncertain))
            (state.Draining, state.ClaimsDraining, state.Unsaved) = (true, !session.Attached, true);
        state.IsKnown = true;
    }

    /// <summary>
    /// Once per change. A node that closes itself has a dying disk (design, section 2.3), and nothing else shows it for long: its damaged copies are healed. One that is out because of its directory is
    /// closed as well, and that is told by itself.
    /// </summary>
    private void NoteClosed(Beat beat, NodeState state)
    {
        if (beat.Failed is not null || (beat.ClosedForWrites is not null) == state.IsClosed) return;
        if (beat.ClosedForWrites is { } reason) LogClosed(state.RingKey, reason);
        activity.Note(beat.ClosedForWrites is null ? ActivityKinds.NodeReopened : ActivityKinds.NodeClosed, node: state.RingKey, detail: beat.ClosedForWrites);
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

    /// <summary>A report of what the catalog has describes it with the catalog's own words: one description in memory for all copies.</summary>
    public ReplicaReport Shared(ReplicaReport report) =>
        catalog.Find(report.Replica.Name)?.Replica is { } known && known == report.Replica ? report with { Replica = known } : report;

    [LoggerMessage(Level = LogLevel.Warning, Message = "The clock of node {Node} is {Seconds} s off. Nothing depends on it; times that it tells are wrong.")]
    private partial void LogClock(string node, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} is out: {Reason}")]
    private partial void LogFailed(string node, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} takes no new copies: {Reason}")]
    private partial void LogClosed(string node, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} could not copy version {Version}: {Reason}")]
    private partial void LogPullFailed(string node, long version, string reason);
}
