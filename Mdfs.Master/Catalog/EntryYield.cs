using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// An entry that nobody can have any more gives way to the highest sealed version of its name, with an alarm (design, section 4).
/// </summary>
public static class EntryYield
{
    /// <param name="sealedOfName">All sealed replicas of the name that have been reported since the master started.</param>
    /// <param name="prepared">Whether any worker reports the entry's upload as prepared.</param>
    /// <param name="registered">
    /// All registered nodes. The entry's hint alone would not do: it is as old as the last writing of the entry, and healing may have moved the copies
    /// since.
    /// </param>
    /// <param name="reported">
    /// Nodes whose whole inventory has come since the master started and since the entry became current: an older one says nothing about it. A receipt of a
    /// life that the master does not know voids what it knew of that node (docs/decisions/model.md).
    /// </param>
    /// <returns>What becomes the entry, or null when the entry stays.</returns>
    /// <remarks>See <see cref="IsLost"/>.</remarks>
    public static ReplicaDescription? To(
        CatalogEntry entry,
        Tombstone? tombstone,
        IReadOnlyCollection<SealedReplica> sealedOfName,
        bool prepared,
        IEnumerable<NodeId> registered,
        IReadOnlySet<NodeId> reported)
    {
        if (!IsLost(entry, sealedOfName.Select(held => held.Report.Replica.Version), prepared, registered, reported)) return null;
        return sealedOfName
            .Where(held => !held.AwayTooLong && tombstone?.Covers(held.Report.Replica.Version) != true)
            .Select(held => held.Report)
            .MaxBy(report => (report.Replica.Version, !report.Damaged))?.Replica;
    }

    /// <summary>Whether no byte of the entry is left anywhere: all nodes have reported since it became current, and none has it, not even prepared.</summary>
    /// <param name="sealedVersions">All sealed versions of the name that have been reported since the master started.</param>
    public static bool IsLost(CatalogEntry entry, IEnumerable<MovieVersion> sealedVersions, bool prepared, IEnumerable<NodeId> registered, IReadOnlySet<NodeId> reported) =>
        !prepared && sealedVersions.All(version => version < entry.Version) && entry.Hint.All(reported.Contains) && registered.All(reported.Contains);
}

/// <param name="AwayTooLong">
/// What <see cref="Absence.IsTooLong"/> says of its node: such a replica may have been deleted and the deletion forgotten, so nothing yields to it.
/// </param>
public readonly record struct SealedReplica(ReplicaReport Report, bool AwayTooLong);
