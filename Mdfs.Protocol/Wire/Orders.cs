using System.Text.Json.Serialization;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>
/// What the master wants done, carried by a beat's reply. Orders that remove bytes are computed when the beat is answered, never queued,
/// and live 10 s: a worker that was frozen in between must not act on what it was told before (design, section 6).
/// </summary>
[JsonDerivedType(typeof(DeleteOrder), "delete")]
[JsonDerivedType(typeof(QuarantineOrder), "quarantine")]
[JsonDerivedType(typeof(SealOrder), "seal")]
[JsonDerivedType(typeof(DiscardOrder), "discard")]
[JsonDerivedType(typeof(PullOrder), "pull")]
[JsonDerivedType(typeof(CancelPullOrder), "cancel-pull")]
[JsonDerivedType(typeof(VerifyOrder), "verify")]
[JsonDerivedType(typeof(ScrubOrder), "scrub")]
public abstract record NodeOrder
{
    /// <summary>How long an order that removes bytes may be carried out after the beat it answers was sent, by the worker's monotonic clock.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    /// <summary>Whether it removes bytes from where they count.</summary>
    [JsonIgnore]
    public virtual bool RemovesBytes => false;
}

/// <summary>Remove a sealed replica.</summary>
/// <param name="Keep">Its movie was deleted or overwritten, and somebody may want it back: it goes to the trash. A copy too many does not.</param>
public sealed record DeleteOrder(MovieVersion Version, string Reason, bool Keep = false) : NodeOrder
{
    public override bool RemovesBytes => true;
}

/// <summary>Put a sealed replica aside for the admin to judge: not served, not counted, not deleted.</summary>
public sealed record QuarantineOrder(MovieVersion Version, string Reason) : NodeOrder
{
    public override bool RemovesBytes => true;
}

/// <summary>A prepared upload was committed: seal it.</summary>
public sealed record SealOrder(ReplicaDescription Replica) : NodeOrder;

/// <summary>A prepared or unfinished upload was never committed and never will be: remove it.</summary>
public sealed record DiscardOrder(UploadId Upload) : NodeOrder
{
    public override bool RemovesBytes => true;
}

/// <summary>
/// Make a good copy of this version, from the sources in order of preference. Also the order to repair: a worker that holds the version
/// damaged takes its own good blocks first and the others' for the bad ones.
/// </summary>
/// <param name="BytesPerSecond">A limit for this pull alone, beside that of the node; 0: none.</param>
public sealed record PullOrder(ReplicaDescription Replica, IReadOnlyList<PullSource> Sources, long BytesPerSecond = 0) : NodeOrder;

/// <summary>A pull that is no longer wanted.</summary>
public sealed record CancelPullOrder(MovieVersion Version) : NodeOrder;

/// <summary>Re-read a replica against its block checksums and report.</summary>
public sealed record VerifyOrder(MovieVersion Version) : NodeOrder;

public sealed record PullSource(NodeId Node, string Address);
