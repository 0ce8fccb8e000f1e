namespace Mdfs.Master.Cluster;

/// <summary>
/// How many counted copies a movie is to have: the replication factor, or one on every registered node where there are fewer. Dead nodes are
/// in the number, so that a cluster of two that lost one says that its movies lack a copy; draining nodes are not, since they are on their way out by the
/// operator's wish, and waiting for room on them would never end.
/// </summary>
public static class CopyGoal
{
    public static int Of(int replicationFactor, ClusterView view) =>
        Math.Max(1, Math.Min(replicationFactor, view.Nodes.Count(node => !node.Draining)));
}
