using System.Text.Json.Serialization;

namespace Mdfs.Cli.Server;

/// <summary>What <c>/api/files</c> says of a movie (docs/http-api.md); what this program does not know it ignores.</summary>
internal sealed record Movie(
    string Name, long Size, string Checksum, long Version, [property: JsonPropertyName("etag")] string ETag, DateTimeOffset ModifiedAt, int Copies, int CopiesWanted,
    IReadOnlyList<MovieCopy> Nodes);

internal sealed record MovieCopy(string Node, string Id, string State);

internal sealed record MoviePage(IReadOnlyList<Movie> Files, int Total, string? Next);

/// <summary>What a stored movie is answered with.</summary>
internal sealed record Stored(string Name, long Size, string Checksum, long Version, [property: JsonPropertyName("etag")] string ETag, int Copies, int CopiesWanted);

/// <summary>Addresses to be given away; signed where reading needs a key.</summary>
internal sealed record Links(string Play, string Download, DateTimeOffset? ExpiresAt);

internal sealed record Deleted(string Name, long Version, int Nodes);

internal sealed record Verdict(string Node, string Checksum, bool Valid);

internal sealed record Cluster(
    string ClusterId, long Epoch, double Age, string? Rebuilding, string Redis, string? Durability, bool Writable, int Nodes, int ActiveNodes, int Movies, int Tombstones,
    int UnderReplicated, Healing Healing, long Capacity, long Free, long Used, int ReplicationFactor, int UploadsOpen);

/// <summary>How far healing is.</summary>
internal sealed record Healing(int Running, int Waiting, long BytesRemaining, long BytesPerSecond, long? EtaSeconds, string? HeldUp = null);

internal sealed record Node(
    string Id, string Name, string Address, string? PublicUrl, string? Zone, string State, string? ClosedForWrites, long Capacity, long Free, long Used, int Replicas,
    int Streams, int Pulls, double? SecondsSinceBeat, string? Version, int? Protocol, string? VersionRemark);

internal sealed record Drain(string Node, string Id, string State, int Movies, long Bytes, double SecondsAtLeast, int WithoutRoom, int Replicas, long BytesPerSecond = 0);

internal sealed record Scrub(
    string Node, string Id, string State, string? Reason, long Cycle, long Done, long Total, long BytesPerSecond, double? SecondsToGo, double OldestSeconds,
    long RotFound, long RotHealed, double CanarySeconds);

/// <summary>A replica that a worker has put aside.</summary>
internal sealed record Quarantined(
    string Node, string NodeId, string Id, string Reason, DateTimeOffset Since, long Size, string? Name, long? Version, string? Checksum, DateTimeOffset? CommittedAt, bool? Free);

/// <summary>A deleted or overwritten movie that can still be brought back.</summary>
internal sealed record Trashed(string Name, long Version, long Size, string Checksum, DateTimeOffset CommittedAt, DateTimeOffset RemovedAt, int Copies, bool Free, bool Superseded = false);

/// <summary>The rebalance under way, or what one would do.</summary>
internal sealed record Rebalance(
    string State, int Movies, long Bytes, long UnavoidableBytes, double SecondsAtLeast, long BytesPerSecond, int Running, int MoviesMoved, long BytesMoved, DateTimeOffset? Since, string? Ended,
    IReadOnlyList<RebalanceNode> Nodes, string? HeldUp = null);

internal sealed record RebalanceNode(string Node, string Id, long Before, long After, long Share);

internal sealed record Maintenance(string Node, string Id, double SecondsLeft, int Unreadable);

/// <summary>A worker that beats and may not take part.</summary>
internal sealed record Refused(string Id, string Name, string Address, string Reason, string? Replaces, double SecondsSinceBeat);
