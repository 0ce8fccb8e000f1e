using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>What the operator may set about healing.</summary>
/// <param name="ReplicationFactor">Copies wanted of every movie.</param>
/// <param name="RepairDelay">
/// How long a missing copy is waited for before another is made. Damage on a live node is healed without waiting: nobody will bring the good bytes back.
/// </param>
/// <param name="PullsPerTarget">Pulls of one node, those in flight and those planned for when they have ended.</param>
/// <param name="PullsInTotal">Pulls of all nodes.</param>
/// <param name="PullsAtOnce">Pulls in flight to one node: while it has fewer, it is idle.</param>
/// <param name="SlowAtOnce">Pulls that share the limit of a drain.</param>
public sealed record RepairRules(PlacementRules Placement, int ReplicationFactor, TimeSpan RepairDelay, int PullsPerTarget = 2, int PullsInTotal = 16, int PullsAtOnce = 2, int SlowAtOnce = 2)
{
    /// <summary>Of a cluster of so many live nodes, each of which is given as much to do later as <see cref="PullsAhead"/> holds.</summary>
    public static RepairRules Of(MasterOptions options, int alive, TimeSpan delay) => new(
        options.PlacementRules, options.ReplicationFactor, delay,
        options.RepairConcurrencyPerNode + PullsAhead.PerNode, options.MostPulls(alive) + (PullsAhead.PerNode * alive), options.RepairConcurrencyPerNode, options.RebalanceConcurrency);
}

/// <summary>A current version that lacks a counted copy; the caller keeps an index of these, so that planning never touches the healthy ones.</summary>
/// <param name="UnderReplicatedFor">Monotonic time since it lacked a copy.</param>
/// <param name="Avoid">Nodes on which a pull of it failed a short while ago.</param>
/// <param name="Expected">Nodes in maintenance that have not reported since the master started and hold a copy as far as Redis knows: it is waited for, no more.</param>
public sealed record RepairCandidate(
    ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies, TimeSpan UnderReplicatedFor, IReadOnlyCollection<NodeId>? Avoid = null, IReadOnlyCollection<NodeId>? Expected = null);

/// <summary>A pull that was ordered and has not been heard to have ended.</summary>
/// <param name="BytesToGo">As far as its node has told.</param>
/// <param name="Source">From which it copies, unless that one has failed.</param>
public readonly record struct RunningPull(MovieVersion Version, NodeId Target, long BytesToGo = 0, NodeId? Source = null);

public sealed record PlannedPull(NodeId Target, PullOrder Order);
