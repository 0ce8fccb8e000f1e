namespace Mdfs.Master.Cluster;

/// <summary>What the operator may set about placement (design, section 3).</summary>
/// <param name="VirtualNodes">Points per node on the ring; whoever builds the <see cref="ClusterView"/> uses it.</param>
/// <param name="LoadFactor">ε of the bounded load: a node is overloaded above (1 + ε) times the cluster's fill.</param>
/// <param name="LoadFloorBytes">
/// Bytes above its share that a node may hold before it can be overloaded at all: keeps small clusters on the classic ring.
/// </param>
public sealed record PlacementRules(int VirtualNodes = 10, double LoadFactor = 0.10, long LoadFloorBytes = 64L << 30);
