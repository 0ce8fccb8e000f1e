namespace Mdfs.Web.Api;

// What the master's API says, in the console's own records: the two meet over HTTP only. A member that a master does not send yet is null or zero.

/// <summary>A movie; <c>GET /api/files</c>.</summary>
public sealed record Movie(
    string Name, long Size, string Checksum, long Version, DateTimeOffset ModifiedAt, string ContentType, int Copies, int CopiesWanted, IReadOnlyList<Copy> Nodes);

/// <param name="State"><c>good</c>, <c>damaged</c>, <c>silent</c> or <c>draining</c>.</param>
public sealed record Copy(string Node, string Id, string Address, string State);

public sealed record MoviePage(IReadOnlyList<Movie> Files, int Total, string? Next);

/// <summary>One node's verdict; <c>POST /api/files/{name}/verify</c>.</summary>
/// <param name="Checksum">As read just now, or <c>ERROR</c> when the node did not answer.</param>
public sealed record Verdict(string Node, string Checksum, bool Valid)
{
    /// <summary>Whether the copy was read at all.</summary>
    public bool Answered => Checksum != "ERROR";
}

/// <summary>Addresses of a movie to be given away; <c>GET /api/files/{name}/links</c>. Signed where reading needs a key.</summary>
public sealed record Links(string Play, string Download);

/// <summary>How far a verification is; <c>GET /api/files/{name}/verify</c>.</summary>
public sealed record VerifyProgress(bool Running, long BytesRead, long BytesTotal, IReadOnlyList<NodeProgress> Nodes);

/// <param name="Valid">The verdict, once it is given.</param>
public sealed record NodeProgress(string Node, long BytesRead, long BytesTotal, bool? Valid);

/// <summary><c>DELETE /api/files/{name}</c>.</summary>
public sealed record Deletion(string Name, int Nodes);

/// <summary>A deleted or overwritten movie that some node still has; <c>GET /api/trash</c>.</summary>
/// <param name="Free">Whether no movie has the name now.</param>
public sealed record Trashed(string Name, long Version, long Size, DateTimeOffset RemovedAt, int Copies, bool Free, bool Superseded = false);

/// <summary><c>POST /api/files/{name}/undelete</c>.</summary>
public sealed record Restored(string Name, int Copies, int CopiesWanted);

/// <summary><c>GET /api/cluster</c>.</summary>
public sealed record Cluster(
    string? ClusterId, long Epoch, double Age, string? Rebuilding, string? Redis, string? Durability, bool Writable,
    int Nodes, int ActiveNodes, int Movies, int Tombstones, int UnderReplicated,
    Healing? Healing, long Capacity, long Free, long Used, int ReplicationFactor, int UploadsOpen)
{
    /// <summary>Rises with every change of the catalog while one epoch lasts; 0 from a master that does not tell.</summary>
    public long Changes { get; init; }

    /// <summary>What a page of movies or deletions was drawn from: as long as it is the same there is nothing new to be asked for.</summary>
    public CatalogState Catalog => new(Epoch, Changes, Movies, Tombstones);
}

/// <summary>Which state of the catalog somebody has seen.</summary>
public readonly record struct CatalogState(long Epoch, long Changes, int Movies, int Tombstones);

/// <summary>Copies being made.</summary>
/// <param name="EtaSeconds">Null: not known.</param>
public sealed record Healing(int Running, int Waiting, long BytesRemaining, double BytesPerSecond, double? EtaSeconds)
{
    /// <summary>Why missing copies wait longer than usual.</summary>
    public string? HeldUp { get; init; }
}

/// <summary><c>GET /api/nodes</c>.</summary>
public sealed record Node(
    string Id, string Name, string Address, string? PublicUrl, string? Zone, string State, string? ClosedForWrites,
    long Capacity, long Free, long Used, int Replicas, int Streams, int Pulls, double? SecondsSinceBeat)
{
    public string? Version { get; init; }

    /// <summary>What it means that its protocol is not the master's.</summary>
    public string? VersionRemark { get; init; }

    public double? ClockSkewSeconds { get; init; }

    public string? System { get; init; }

    public int? Processors { get; init; }

    public double? UptimeSeconds { get; init; }

    public string? Life { get; init; }

    public long? DiskTotal { get; init; }

    public long? DiskFree { get; init; }

    public long? MemoryUsed { get; init; }

    /// <summary>Whether its movies go past the page cache when they are written or read once; null: not known yet.</summary>
    public bool? DirectIo { get; init; }

    public long InFlight { get; init; }

    public int Damaged { get; init; }

    public int Quarantined { get; init; }

    public double? MaintenanceSecondsLeft { get; init; }

    public long PulledBytes { get; init; }

    public long PullBytes { get; init; }
}

/// <summary>A worker that beats and may not take part; <c>GET /api/nodes/refused</c>.</summary>
/// <param name="Replaces">The silent node whose name it has, which is forgotten when somebody confirms this one; null: there is nothing to confirm.</param>
public sealed record RefusedNode(string Id, string Name, string Address, string Reason, string? Replaces, double SecondsSinceBeat);

/// <summary>How far a worker has come with re-reading what it holds; <c>GET /api/scrub</c>.</summary>
/// <param name="State"><c>running</c>, <c>resting</c>, <c>paused</c>, <c>stopped</c>, or <c>unknown</c>.</param>
public sealed record ScrubNode(
    string Node, string Id, string State, string? Reason, long Cycle, long Done, long Total, long BytesPerSecond, double? SecondsToGo, double OldestSeconds,
    long RotFound, long RotHealed, double CanarySeconds);

/// <summary>The drain of a node, or what one would have to do; <c>GET /api/nodes/{id}/drain</c>.</summary>
/// <param name="State"><c>none</c>, <c>draining</c>, <c>paused</c> or <c>drained</c>.</param>
/// <param name="BytesPerSecond">The limit over all its copies; 0: none.</param>
public sealed record Drain(string Node, string Id, string State, int Movies, long Bytes, double SecondsAtLeast, int WithoutRoom, int Replicas, long BytesPerSecond = 0);

/// <summary><c>POST /api/nodes/{id}/maintenance</c>.</summary>
/// <param name="Unreadable">Movies that cannot be read meanwhile.</param>
public sealed record MaintenanceBegun(double SecondsLeft, int Unreadable);

/// <summary>The rebalance under way, or what one would do; <c>GET /api/rebalance</c>.</summary>
/// <param name="State"><c>none</c>, <c>running</c> or <c>paused</c>.</param>
/// <param name="Ended">How the last one ended: <c>finished</c> or <c>cancelled</c>.</param>
public sealed record RebalanceFacts(
    string State, int Movies, long Bytes, long UnavoidableBytes, double SecondsAtLeast, long BytesPerSecond, int MoviesMoved, long BytesMoved, string? Ended, IReadOnlyList<BalancedNode> Nodes)
{
    /// <summary>Why the one under way begins no further moves; null: it does.</summary>
    public string? HeldUp { get; init; }
}

public sealed record BalancedNode(string Node, string Id, long Before, long After, long Share);

/// <summary>A replica that a node has put aside; <c>GET /api/quarantine</c>.</summary>
/// <param name="Name">Null: nothing says what the bytes are.</param>
public sealed record Quarantined(string Node, string NodeId, string Id, string Reason, DateTimeOffset Since, long Size, string? Name, bool? Free);

/// <summary><c>GET /api/tombstones</c>.</summary>
public sealed record Tombstone(string Name, long Bound, DateTimeOffset DeletedAt, double ClusterAge);

/// <summary><c>GET /api/cluster/history</c>.</summary>
public sealed record History(double StepSeconds, IReadOnlyList<Sample> Samples);

public sealed record Sample(
    DateTimeOffset At, int ActiveNodes, int Movies, int UnderReplicated, long BytesStored, long BytesFree,
    double BytesInPerSecond, double BytesOutPerSecond, double RepairBytesPerSecond, int Streams);

/// <summary><c>GET /api/activity</c>.</summary>
public sealed record ActivityPage(IReadOnlyList<Happening> Items, string? Next);

public sealed record Happening(string Id, DateTimeOffset At, string Kind, string? Name, string? Node, string? Actor, string? Detail, long? Size, int? Count);

/// <summary>What the console itself tells: <c>POST /api/activity</c>.</summary>
public sealed record Told(string Kind, string? Actor);

/// <summary><c>GET /api/settings</c>.</summary>
public sealed record SettingsInForce(IReadOnlyList<SettingGroup> Groups);

public sealed record SettingGroup(string Name, IReadOnlyList<Setting> Settings);

public sealed record Setting(string Key, string? Value, string? Default, string? Unit, string? Description);
