using System.Collections.Immutable;

namespace Mdfs.Master.Cluster;

/// <summary>
/// How full the cluster is, and which nodes carry too much of it (design, section 3: consistent hashing with bounded loads). Counted over the
/// live nodes that are not draining: what a draining node holds is on its way to the others, and its room is not theirs.
/// </summary>
/// <param name="Fraction">Bytes held or promised, over capacity.</param>
/// <param name="Capacity">Bytes, of all who count.</param>
public readonly record struct ClusterFill(double Fraction, double Capacity)
{
    public static ClusterFill Of(ImmutableArray<NodeView> nodes)
    {
        double load = 0, capacity = 0;
        foreach (var node in nodes)
        {
            if (!node.Alive || node.Draining) continue;
            load += node.Load;
            capacity += Math.Max(0, node.Space.Capacity);
        }

        return new ClusterFill(capacity > 0 ? load / capacity : 0, capacity);
    }

    /// <summary>With so many bytes more on one of its nodes.</summary>
    public ClusterFill With(long bytes) => Capacity > 0 ? this with { Fraction = Fraction + (bytes / Capacity) } : this;

    /// <summary>Bytes above the node's share of the cluster's load; below zero when it has room to make up.</summary>
    public double Excess(NodeView node) => node.Load - Fraction * Math.Max(0, node.Space.Capacity);

    public bool Overloads(NodeView node, PlacementRules rules) =>
        Excess(node) > rules.LoadFloorBytes && node.Load > (1 + rules.LoadFactor) * Fraction * Math.Max(0, node.Space.Capacity);
}
