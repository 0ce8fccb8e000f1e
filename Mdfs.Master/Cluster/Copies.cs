using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Which copies count (design, sections 2.3 and 6): reported since the master started, by a live node that is not draining, undamaged, of
/// exactly the bytes that were committed, and not on their way out.
/// </summary>
public static class Copies
{
    public static int Count(NodeRegistry registry, ReplicaDescription replica)
    {
        var view = registry.View;
        var count = 0;
        foreach (var holder in registry.Replicas.HoldersOf(replica.Version))
        {
            if (holder.Agrees(replica) && Counts(view, Held(registry, replica, holder))) count++;
        }

        return count;
    }

    /// <summary>Those of these that count.</summary>
    public static int Count(ClusterView view, IReadOnlyList<HeldCopy> copies)
    {
        var count = 0;
        for (var at = 0; at < copies.Count; at++)
            if (Counts(view, copies[at])) count++;
        return count;
    }

    public static bool Counts(ClusterView view, HeldCopy copy) =>
        copy is { Damaged: false, Leaving: false } && view.Find(copy.Node) is { Counts: true };

    /// <summary>The reported copies of exactly this replica.</summary>
    public static IReadOnlyList<HeldCopy> Of(NodeRegistry registry, ReplicaDescription replica) =>
        [.. registry.Replicas.HoldersOf(replica.Version).Where(holder => holder.Agrees(replica)).Select(holder => Held(registry, replica, holder))];

    private static HeldCopy Held(NodeRegistry registry, ReplicaDescription replica, Holder holder) =>
        new(holder.Node, holder.Damaged, holder.Verified, registry.Leaving.Contains(replica.Version, holder.Node));
}
