using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// How what a worker reports is brought together with the catalog (design, sections 2.2, 2.6, 4). Everything follows from one rule: a sealed
/// replica was committed, whatever Redis says today, and versions order all commits and deletions.
/// </summary>
public static class Reconciliation
{
    /// <summary>How long prepared bytes of an upload that is not in the catalog are kept after it ended, in cluster age.</summary>
    public static readonly TimeSpan PreparedLife = TimeSpan.FromHours(24);

    /// <param name="entry">The current entry of the replica's name.</param>
    /// <param name="tombstone">The tombstone of the replica's name.</param>
    /// <param name="awayTooLong">What <see cref="Absence.IsTooLong"/> says of the node.</param>
    /// <param name="clusterId">Of this cluster.</param>
    public static ReplicaVerdict Judge(ReplicaReport report, CatalogEntry? entry, Tombstone? tombstone, bool awayTooLong, string clusterId)
    {
        var replica = report.Replica;
        if (replica.ClusterId != clusterId) return ReplicaVerdict.OtherCluster;
        if (tombstone?.Covers(replica.Version) == true) return ReplicaVerdict.Buried;
        if (entry is null || replica.Version > entry.Version) return awayTooLong ? ReplicaVerdict.TooLongAway : ReplicaVerdict.Adopt;
        if (replica.Version < entry.Version) return ReplicaVerdict.Superseded;
        if (replica.Size != entry.Size || replica.Checksum != entry.Checksum) return ReplicaVerdict.Conflict;
        return report.Damaged ? ReplicaVerdict.DamagedCopy : ReplicaVerdict.Copy;
    }

    /// <param name="committed">The entry that holds this upload id, or null.</param>
    /// <param name="open">
    /// Whether the upload still runs, waits for its commit, its transaction has not been settled yet, or it is that of the entry which a commit under way
    /// would put back if nobody sealed.
    /// </param>
    public static PreparedVerdict Judge(PreparedReport report, CatalogEntry? committed, bool open)
    {
        if (open) return PreparedVerdict.Keep;
        // Bytes that disagree with what was committed are those of a target that was dropped: they must never become a replica.
        if (committed is not null)
            return report.Size == committed.Size && report.Checksum == committed.Checksum ? PreparedVerdict.Seal : PreparedVerdict.Discard;
        return report.AgeSeconds < PreparedLife.TotalSeconds ? PreparedVerdict.Keep : PreparedVerdict.Discard;
    }
}
