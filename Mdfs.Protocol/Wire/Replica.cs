using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>
/// What a replica is, completely: enough to rebuild the catalog from workers alone (design, section 2.6). Stands in the second line of
/// every <c>.checksum</c> sidecar, and is what a worker is told when it seals or pulls.
/// </summary>
/// <param name="Size">Length in bytes.</param>
/// <param name="CommittedAt">The moment of the commit by the master's clock; what clients see as Last-Modified.</param>
/// <param name="Upload">The upload that became this version; a worker that missed the seal is recognised by it.</param>
/// <param name="ClusterId">The cluster that committed it; two clusters are never mixed.</param>
public sealed record ReplicaDescription(
    FileName Name, MovieVersion Version, long Size, Checksum Checksum, DateTimeOffset CommittedAt, UploadId Upload, string ClusterId);

/// <summary>A sealed replica as its worker reports it.</summary>
/// <param name="Damaged">At least one block does not agree with its checksum: readable for its good blocks, not counted.</param>
/// <param name="Verified">Written or read whole and found good in the worker's present life. Trimming asks for it (design, section 6).</param>
public sealed record ReplicaReport(ReplicaDescription Replica, bool Damaged, bool Verified);

/// <summary>An upload whose bytes are complete and fsynced on the worker, but of which it has not heard that it was committed.</summary>
/// <param name="AgeSeconds">Seconds since it became complete, in cluster age as the worker heard it.</param>
public sealed record PreparedReport(UploadId Upload, long Size, Checksum Checksum, double AgeSeconds);

/// <summary>Every version of the name up to the bound is deleted (design, section 1).</summary>
/// <param name="ClusterAge">Cluster age at the deletion, in seconds; retention is counted in it, never by a wall clock.</param>
/// <param name="DeletedAt">By the master's clock, for people.</param>
public sealed record Tombstone(FileName Name, MovieVersion Bound, double ClusterAge, DateTimeOffset DeletedAt)
{
    public bool Covers(MovieVersion version) => version <= Bound;
}
