using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>
/// What a worker says every 5 seconds (design, section 6). The first one of a life registers the node. It costs what has changed, not
/// what the node holds.
/// </summary>
public sealed record Beat
{
    public required NodeId Node { get; init; }

    /// <summary>Random per start of the worker process. Of two lives that beat side by side the later is refused.</summary>
    public required string Life { get; init; }

    /// <summary>
    /// Rises with every beat, receipt and inventory of this life and is drawn under the same lock as the state it speaks of: what carries a
    /// lower number is older. The master ignores what is not newer.
    /// </summary>
    public required long Number { get; init; }

    /// <summary>The sender's <see cref="WireVersion.Current"/>; 0 from one of before these were told.</summary>
    public int Protocol { get; init; }

    /// <summary>
    /// This life ends: the process was told to stop and says goodbye. Its copies are no longer read, and nobody waits for its silence to be noticed;
    /// they are made anew only when it has not come back within a node time-out.
    /// </summary>
    public bool Leaving { get; init; }

    /// <summary>With <see cref="Leaving"/>: seconds within which it means to be back; nothing is copied in its place meanwhile. 0: it does not say.</summary>
    public double LeavingFor { get; init; }

    /// <summary>Random; the reply is signed over it, so that an old reply cannot be played back.</summary>
    public required string Nonce { get; init; }

    /// <summary>Null until the node has joined a cluster.</summary>
    public string? ClusterId { get; init; }

    /// <summary>The highest epoch it has obeyed.</summary>
    public long Epoch { get; init; }

    /// <summary>Milliseconds since 1970 by its own clock, for people to see that it is wrong; 0 from one that does not tell.</summary>
    public long Clock { get; init; }

    /// <summary>The highest version it has heard of, replicas and tombstones included.</summary>
    public MovieVersion HighestVersion { get; init; }

    /// <summary>Seconds; the highest cluster age it has heard.</summary>
    public double ClusterAge { get; init; }

    /// <summary>
    /// Seconds: the cluster age up to which a master has judged everything this node holds, kept on its disk across lives. It is the
    /// <see cref="BeatReply.ClusterAge"/> of the last reply with <see cref="BeatReply.Settled"/> that was carried out completely. How long
    /// the node was away is judged by it, so hearing a master is not enough to move it (docs/decisions/absence.md).
    /// </summary>
    public double SettledAge { get; init; }

    /// <summary>The configured name, or null: then the address is the ring key.</summary>
    public string? Name { get; init; }

    /// <summary>How other nodes reach it: <c>http://host:port</c>, no trailing slash.</summary>
    public required string Address { get; init; }

    /// <summary>How clients reach it, for direct links; null if they cannot.</summary>
    public string? PublicUrl { get; init; }

    public string? Zone { get; init; }

    public required NodeSpace Space { get; init; }

    /// <summary>For people only; null from a worker of a version that says nothing of itself.</summary>
    public NodeAbout? About { get; init; }

    /// <summary>Windows being sent at this moment.</summary>
    public int Streams { get; init; }

    public bool Draining { get; init; }

    /// <summary>Why it takes no uploads at present, or null.</summary>
    public string? ClosedForWrites { get; init; }

    /// <summary>Why what it holds does not count at present, since its data directory cannot be written or is gone; null: it does.</summary>
    public string? Failed { get; init; }

    /// <summary>Replicas that appeared or changed since the last acknowledged beat.</summary>
    public IReadOnlyList<ReplicaReport> Changed { get; init; } = [];

    /// <summary>Replicas that went since the last acknowledged beat.</summary>
    public IReadOnlyList<MovieVersion> Removed { get; init; } = [];

    /// <summary>All prepared uploads; there are never many.</summary>
    public IReadOnlyList<PreparedReport> Prepared { get; init; } = [];

    /// <summary>All resumable uploads that wait for their next piece.</summary>
    public IReadOnlyList<UnfinishedReport> Unfinished { get; init; } = [];

    /// <summary>Pulls under way.</summary>
    public IReadOnlyList<PullProgress> Pulls { get; init; } = [];

    /// <summary>Pulls and repairs that failed since the last acknowledged beat, each with its reason.</summary>
    public IReadOnlyList<PullFailure> FailedPulls { get; init; } = [];

    /// <summary>Number of sealed replicas, and <see cref="InventoryDigest"/> over them: when they disagree with what the master thinks, it asks for the whole.</summary>
    public long ReplicaCount { get; init; }

    public ulong ReplicaDigest { get; init; }

    /// <summary>How far the re-reading of its replicas has come.</summary>
    public ScrubReport? Scrub { get; init; }

    /// <summary>Replicas that lie in its quarantine.</summary>
    public int Quarantined { get; init; }

    /// <summary>The <see cref="BeatReply.Number"/> of the last reply that was carried out completely (tombstones on disk).</summary>
    public long AppliedReply { get; init; }
}

/// <summary>Disk space of a node, in bytes.</summary>
/// <param name="Capacity">What the node can hold for MDFS: its replicas, and what is free beyond the reserve.</param>
/// <param name="Free">Free and beyond the reserve and beyond what open uploads have reserved; 0 when full.</param>
/// <param name="Used">Bytes of its sealed replicas.</param>
/// <param name="InFlight">Bytes that open uploads and pulls have reserved.</param>
public sealed record NodeSpace(long Capacity, long Free, long Used, long InFlight)
{
    /// <summary>Names the file system; nodes that say the same share it. Null: it is not known.</summary>
    public string? Disk { get; init; }

    /// <summary>What <see cref="Free"/> would be without a limit of the node's own.</summary>
    public long? DiskFree { get; init; }
}

/// <summary>A node's program and machine.</summary>
/// <param name="System">Operating system and architecture.</param>
/// <param name="UptimeSeconds">Since its process started.</param>
/// <param name="DiskTotal">Bytes of the file system under its data directory.</param>
/// <param name="DiskFree">Bytes free on it, the reserve included.</param>
/// <param name="MemoryUsed">Bytes of memory of its process.</param>
public sealed record NodeAbout(string Version, string System, int Processors, double UptimeSeconds, long DiskTotal, long DiskFree, long MemoryUsed)
{
    /// <summary>Whether what is written or read once goes past the page cache; null: there was no such file yet, or it is of a version that does not tell.</summary>
    public bool? DirectIo { get; init; }
}

/// <param name="Done">Bytes of it that lie there and are known to be good.</param>
public sealed record PullProgress(MovieVersion Version, long Done, long Size)
{
    /// <summary>Of these, how many were left of an interrupted attempt, and were re-read and not copied.</summary>
    public long Kept { get; init; }
}

public sealed record PullFailure(MovieVersion Version, string Reason);

/// <summary>The answer to a <see cref="Beat"/>. Signed over the beat's nonce (<see cref="Security.NodeTokens"/>).</summary>
public sealed record BeatReply
{
    /// <summary>Rises with every reply of this master to this life.</summary>
    public required long Number { get; init; }

    /// <summary>The epoch of the master that speaks. A worker refuses a lower one than it has obeyed.</summary>
    public required long Epoch { get; init; }

    /// <summary>The master's <see cref="WireVersion.Current"/>; 0 from one of before these were told.</summary>
    public int Protocol { get; init; }

    /// <summary>Empty while the master does not know it yet: a new cluster, or one that lost its Redis and waits for a worker to tell.</summary>
    public required string ClusterId { get; init; }

    /// <summary>Why this node may not take part, or null. A refused node keeps its bytes, obeys nothing and says so.</summary>
    public string? Refused { get; init; }

    /// <summary>Milliseconds since 1970 by the master's clock; workers judge the expiry of tokens by it.</summary>
    public required long MasterTime { get; init; }

    /// <summary>Seconds.</summary>
    public required double ClusterAge { get; init; }

    public required MovieVersion HighestVersion { get; init; }

    /// <summary>
    /// The master knows the whole inventory of this life, is not rebuilding, and has nothing of it left to bury or to put into quarantine. Once the
    /// tombstones of this reply are on disk, the worker keeps <see cref="ClusterAge"/> as its <see cref="Beat.SettledAge"/>.
    /// </summary>
    public bool Settled { get; init; }

    /// <summary>The beat number up to which the master knows all changes.</summary>
    public long Acknowledged { get; init; }

    /// <summary>Send the whole inventory, in pages.</summary>
    public bool SendInventory { get; init; }

    /// <summary>The drain state as the cluster has it, to be kept by the node.</summary>
    public bool Draining { get; init; }

    public IReadOnlyList<NodeOrder> Orders { get; init; } = [];

    /// <summary>Tombstones this node may not have yet: on disk before the next beat says so.</summary>
    public IReadOnlyList<Tombstone> Tombstones { get; init; } = [];

    /// <summary>Tombstones that no reported replica needs any more.</summary>
    public IReadOnlyList<Tombstone> Forget { get; init; } = [];
}
