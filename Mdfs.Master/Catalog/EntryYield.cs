using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// An entry that nobody can have any more gives way to the highest sealed version of its name, with an alarm (design, section 4).
/// </summary>
public static class EntryYield
{
    /// <param name="sealedOfName">All sealed replicas of the name that have been reported since the master started.</param>
    /// <param name="prepared">Whether any worker reports the entry's upload as prepared.</param>
    /// <param name="registered">All registered nodes. The entry's hint alone would not do: it is as old as the last writing of the entry, and healing may have moved the copies since.</param>
    /// <param name="reported">Nodes whose whole inventory has come since the master started.</param>
    /// <returns>What becomes the entry, or null when the entry stays.</returns>
    public static ReplicaDescription? To(
        CatalogEntry entry,
        Tombstone? tombstone,
        IReadOnlyCollection<ReplicaReport> sealedOfName,
        bool prepared,
        IEnumerable<NodeId> registered,
        IReadOnlySet<NodeId> reported)
    {
        if (prepared || sealedOfName.Any(report => report.Replica.Version >= entry.Version)) return null;
        if (!entry.Hint.All(reported.Contains) || !registered.All(reported.Contains)) return null;
        return sealedOfName
            .Where(report => tombstone?.Covers(report.Replica.Version) != true)
            .MaxBy(report => (report.Replica.Version, !report.Damaged))?.Replica;
    }
}
