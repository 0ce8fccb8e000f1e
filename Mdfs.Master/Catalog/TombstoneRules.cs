using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>How two accounts of one deletion come together, and when one may be forgotten (design, sections 2.2 and 7).</summary>
public static class TombstoneRules
{
    /// <summary>One tombstone per name: the higher bound wins; of equal bounds the younger, which is kept longer.</summary>
    public static Tombstone Merge(Tombstone? known, Tombstone told) =>
        known is null || told.Bound > known.Bound || (told.Bound == known.Bound && told.ClusterAge > known.ClusterAge) ? told : known;

    /// <param name="clusterAge">Seconds: now.</param>
    /// <param name="needed">Whether a replica that any node has reported is covered by it.</param>
    /// <param name="registered">All registered nodes.</param>
    public static bool MayForget(Tombstone tombstone, double clusterAge, TimeSpan retention, bool needed, IEnumerable<NodePresence> registered) =>
        !needed
        && tombstone.ClusterAge < clusterAge - retention.TotalSeconds
        && registered.All(node => node.Reported || Absence.IsTooLong(node.LastHeard, clusterAge, retention));
}

/// <param name="Reported">Whether the node's whole inventory has come since the master started.</param>
/// <param name="LastHeard">Cluster age, in seconds, at which the node was last heard.</param>
public readonly record struct NodePresence(bool Reported, double LastHeard);
