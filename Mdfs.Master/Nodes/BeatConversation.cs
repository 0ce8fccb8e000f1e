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
    NodeAdmission admission,
    BeatIntake intake,
    BeatReplies replies,
    Adoption adoption,
    ActivityLog activity,
    RefusedNodes refusals,
    SpareMemory memory,
    TimeProvider time,
    ILogger<BeatConversation> logger)
{
    // A worker whose memory of the highest version is beyond this is broken; believing it would use up the numbers.
    private static readonly TimeSpan _furthestFuture = TimeSpan.FromDays(365 * 20);

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
            if (admission.Identify(beat, out state, out var replaces) is { } reason)
            {
                refused = replies.Refuse(beat, reason);
                NoteRefused(beat, reason, replaces);
            }
            else if (beat.Number > state!.LastNumber)
            {
                left = beat.Leaving && state.Alive;
                joined = intake.Take(beat, state, changed);
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
        if (beat.Leaving) return replies.Farewell(beat);
        lock (registry.Gate) return replies.To(beat, state);
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
            foreach (var held in page.Tombstones) state.Holds(held);
            heard = state.Inventory.TakePage(page with { Replicas = [.. page.Replicas.Select(intake.Shared)] });
            if (heard is null) return new InventoryReply(false);
            if (page.Last)
            {
                // A beat that was overtaken by the whole has nothing left to say about it.
                state.LastNumber = Math.Max(state.LastNumber, page.Number);
                state.OweWhatItLacks(catalog.Tombstones);
                LogInventory(state.RingKey, state.Inventory.Count);
            }
        }

        Reconsider(page.Node, heard);
        if (page.Last)
        {
            registry.AnnounceAlive(page.Node);
            memory.Note(heard.Count);
        }

        return new InventoryReply(true);
    }

    private bool IsForeign(Beat beat) => beat.ClusterId is not null && identity.ClusterId.Length > 0 && beat.ClusterId != identity.ClusterId;

    private BeatReply RefuseForeign(Beat beat)
    {
        LogOtherCluster(beat.Node, beat.Address, beat.ClusterId!, identity.ClusterId);
        const string reason = "This node's data belongs to another cluster. Point the node at its own master, or give it an empty data directory.";
        NoteRefused(beat, reason, null);
        return replies.Refuse(beat, reason);
    }

    private async Task HearAsync(Beat beat, CancellationToken cancellationToken)
    {
        clock.Hear(beat.ClusterAge);
        if (beat.HighestVersion <= VersionMint.Next(time.GetUtcNow() + _furthestFuture, MovieVersion.None)) session.HearVersion(beat.HighestVersion);
        else LogAbsurdVersion(beat.Address, beat.HighestVersion.Number);
        identity.HearEpoch(beat.Epoch);
        if (identity.Epoch > 0 && beat.Epoch > identity.Epoch) await session.MeetHigherEpochAsync(beat.Epoch, cancellationToken);
        if (beat.ClusterId is not null && identity.ClusterId.Length == 0) await session.LearnClusterIdAsync(beat.ClusterId, fromWorker: true, cancellationToken);
        if (identity.ClusterId.Length == 0) await session.NameClusterAsync(allHaveSpoken: false, cancellationToken);
    }

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

    private void NoteRefused(Beat beat, string reason, NodeId? replaces)
    {
        if (!refusals.Note(beat, reason, replaces)) return;
        LogRefused(beat.Address, reason);
        activity.Note(ActivityKinds.NodeRefused, node: beat.Name ?? beat.Address, detail: reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} joined from {Address} with {Replicas} replicas.")]
    private partial void LogJoined(string node, string address, long replicas);

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} stops, as it says. It is not read from any more, and its copies wait for it for a while.")]
    private partial void LogLeft(string node);

    [LoggerMessage(Level = LogLevel.Error, Message = "The node at {Address} is refused: {Reason}")]
    private partial void LogRefused(string address, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Remark}")]
    private partial void LogOtherVersion(string remark);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Node {Node} has told its whole inventory: {Replicas} replicas.")]
    private partial void LogInventory(string node, int replicas);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} at {Address} was refused: its data belongs to cluster {Theirs}, this is {Ours}.")]
    private partial void LogOtherCluster(NodeId node, string address, string theirs, string ours);

    [LoggerMessage(Level = LogLevel.Error, Message = "Node at {Address} speaks of version {Version}, which lies decades ahead. It is not believed.")]
    private partial void LogAbsurdVersion(string address, long version);
}
