using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>Open an upload on a worker: reserves the space before the movie's first byte is read (design, section 4).</summary>
/// <param name="Size">Length in bytes, or null when the client did not say.</param>
/// <param name="Appendable">Its bytes come in pieces, over restarts: see <see cref="AppendReceipt"/>.</param>
/// <param name="AtLeast">Bytes that it has at least, where <paramref name="Size"/> is null; so much room is reserved.</param>
public sealed record OpenUpload(UploadId Upload, long? Size, bool Appendable = false, long AtLeast = 0);

/// <summary>A worker's word that an upload's bytes are complete and fsynced there: prepared, never served until sealed.</summary>
/// <param name="Life">The worker's life, and <paramref name="Number"/> its number (see <see cref="Beat.Number"/>).</param>
public sealed record PreparedReceipt(
    NodeId Node, string Life, long Number, UploadId Upload, long Size, Checksum Checksum, MovieVersion HighestVersion);

/// <summary>A worker's word that a replica is sealed.</summary>
public sealed record SealReceipt(NodeId Node, string Life, long Number, ReplicaReport Report);

/// <summary>A worker's word that a tombstone is on its disk, and which versions went by it.</summary>
/// <param name="Removed">Versions of the name that this node held and removed.</param>
public sealed record TombstoneReceipt(NodeId Node, string Life, long Number, IReadOnlyList<MovieVersion> Removed);

/// <summary>What re-reading a replica found.</summary>
/// <param name="Checksum">CRC-32 of the bytes as they are on disk now.</param>
/// <param name="Valid">Whole file and every block agree with the sidecars.</param>
/// <param name="DamagedBlocks">Number of 64 KiB blocks that do not.</param>
public sealed record VerifyResult(NodeId Node, MovieVersion Version, Checksum Checksum, bool Valid, long DamagedBlocks);

/// <summary>How far re-reading a replica is.</summary>
/// <param name="Read">Bytes.</param>
public sealed record VerifyProgress(MovieVersion Version, long Read, long Size);

/// <summary>One page of a node's whole inventory; all pages of one inventory carry the life and the number under which it was taken.</summary>
/// <param name="Page">Counts from 0; pages are sent in order.</param>
public sealed record InventoryPage(
    NodeId Node, string Life, long Number, int Page, bool Last, IReadOnlyList<ReplicaReport> Replicas, IReadOnlyList<Tombstone> Tombstones);

/// <summary>The master's answer to a page: whether to go on. A page that does not follow its predecessor is refused and the worker starts again.</summary>
public sealed record InventoryReply(bool Accepted);

/// <summary>A refusal between nodes: a stable code and a sentence.</summary>
public sealed record NodeRefusal(string Code, string Message)
{
    public const string Full = "full";
    public const string Closed = "closed";
    public const string Unknown = "unknown";
    public const string Conflict = "conflict";
    public const string StaleEpoch = "stale-epoch";
    public const string OtherCluster = "other-cluster";
    public const string Damaged = "damaged";
}
