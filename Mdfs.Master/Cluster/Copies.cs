using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Which copies count (design, sections 2.3 and 6): reported since the master started, by a live node that is not draining, undamaged, and of
/// exactly the bytes that were committed.
/// </summary>
public static class Copies
{
    public static int Count(NodeRegistry registry, ReplicaDescription replica)
    {
        var view = registry.View;
        var count = 0;
        foreach (var holder in registry.Replicas.HoldersOf(replica.Version))
        {
            if (Counts(view, holder, replica)) count++;
        }

        return count;
    }

    /// <summary>A copy that does not count and is not made anew: its node is expected back, or its drain waits.</summary>
    public static bool Expected(ClusterView view, Holder holder, ReplicaDescription replica) =>
        !holder.Damaged && holder.Agrees(replica) && view.Find(holder.Node) is { IsWaitedFor: true };

    public static bool Counts(ClusterView view, Holder holder, ReplicaDescription replica) =>
        !holder.Damaged && holder.Agrees(replica) && view.Find(holder.Node) is { Counts: true };
}
