using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>What the operator may set about healing.</summary>
/// <param name="ReplicationFactor">Copies wanted of every movie.</param>
/// <param name="RepairDelay">
/// How long a missing copy is waited for before another is made. Damage on a live node is healed without waiting: nobody will bring the good bytes back.
/// </param>
/// <param name="PullsPerTarget">Pulls in flight to one node.</param>
/// <param name="PullsInTotal">Pulls in flight in the cluster.</param>
public sealed record RepairRules(PlacementRules Placement, int ReplicationFactor, TimeSpan RepairDelay, int PullsPerTarget = 2, int PullsInTotal = 16);

/// <summary>A current version that lacks a counted copy; the caller keeps an index of these, so that planning never touches the healthy ones.</summary>
/// <param name="UnderReplicatedFor">Monotonic time since it lacked a copy.</param>
/// <param name="Avoid">Nodes on which a pull of it failed a short while ago.</param>
/// <param name="Expected">Nodes in maintenance that have not reported since the master started and hold a copy as far as Redis knows: it is waited for, no more.</param>
public sealed record RepairCandidate(
    ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies, TimeSpan UnderReplicatedFor, IReadOnlyCollection<NodeId>? Avoid = null, IReadOnlyCollection<NodeId>? Expected = null);

/// <summary>A pull that was ordered and has not been heard to have ended.</summary>
public readonly record struct RunningPull(MovieVersion Version, NodeId Target);

public sealed record PlannedPull(NodeId Target, PullOrder Order);
