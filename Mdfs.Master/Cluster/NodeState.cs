using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>All that the master knows of one node. Mutable; the registry's lock guards it.</summary>
public sealed class NodeState(NodeId id, string ringKey, ReplicaIndex index)
{
    public NodeId Id { get; } = id;

    public string RingKey { get; set; } = ringKey;

    public string? Name { get; set; }

    public string Address { get; set; } = "";

    public string? PublicUrl { get; set; }

    public string? Zone { get; set; }

    public NodeSpace Space { get; set; } = new(0, 0, 0, 0);

    public bool Draining { get; set; }

    /// <summary>Its life began by saying that it is being drained, and that has neither been believed nor refuted yet.</summary>
    public bool ClaimsDraining { get; set; }

    /// <summary>This master knows of itself, or from Redis, what an admin wants of the node.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Its drain waits: what it holds is not copied elsewhere for the time being.</summary>
    public bool DrainPaused { get; set; }

    /// <summary>That all copies of its drain may take together; 0: no limit.</summary>
    public long DrainBytesPerSecond { get; set; }

    public string? ClosedForWrites { get; set; }

    /// <summary>Why what it holds does not count, by its last beat: its data directory cannot be written, or is gone.</summary>
    public string? Failed { get; set; }

    /// <summary>It has closed itself for new copies, by its last beat, and is not out altogether.</summary>
    public bool IsClosed => ClosedForWrites is not null && Failed is null;

    public bool Alive { get; set; }

    /// <summary>The version of the protocol that its last beat told; 0: it told none.</summary>
    public int Protocol { get; set; }

    /// <summary>It said goodbye as the last thing it said.</summary>
    public bool Stopped { get; set; }

    /// <summary>Monotonic timestamp of its goodbye, for as long as it is expected to come back; null once it beats, or is overdue.</summary>
    public long? ExpectedSince { get; set; }

    /// <summary>Cluster age in seconds up to which it may be away without anything being copied in its place; null: it is not in maintenance.</summary>
    public double? MaintenanceUntil { get; set; }

    /// <summary>It said goodbye and is given a while, or is away and in maintenance.</summary>
    public bool IsExpected => ExpectedSince is not null || (!Alive && MaintenanceUntil is not null);

    /// <summary>An admin has set it, so that it lasts over returns; else the node has said it in its goodbye.</summary>
    public bool MaintenanceByAdmin { get; set; }

    /// <summary>The life that beats; null if none has since the master started.</summary>
    public string? Life { get; set; }

    /// <summary>Lives that were found to beat beside another one: refused for as long as the other goes on beating.</summary>
    public HashSet<string> RefusedLives { get; } = [];

    /// <summary>The life before this one, until this one has proved to be its successor by outliving its time-out.</summary>
    public string? PreviousLife { get; set; }

    public long LastNumber { get; set; }

    /// <summary>
    /// The number of the first beat of this life that carried this master's epoch; what was counted up earlier may have changed since by an order
    /// of a predecessor. <see cref="long.MaxValue"/>: none has.
    /// </summary>
    public long ObeyedFrom { get; set; } = long.MaxValue;

    /// <summary>Monotonic timestamp of the first beat of this life.</summary>
    public long Began { get; set; }

    /// <summary>What Redis holds of the node is out of date.</summary>
    public bool Unsaved { get; set; }

    /// <summary>Monotonic timestamp of the last beat.</summary>
    public long LastBeat { get; set; }

    /// <summary>Cluster age in seconds when the node was last heard.</summary>
    public double LastHeardAge { get; set; }

    /// <summary>That which Redis holds of it.</summary>
    public double SavedAge { get; set; }

    /// <summary>Cluster age up to which a master has judged all that the node holds, as the node itself keeps it; see <see cref="Beat.SettledAge"/>.</summary>
    public double SettledAge { get; set; }

    /// <summary>The last look found something to bury, to put into quarantine or to take over.</summary>
    public bool Unsettled { get; set; }

    /// <summary>Tombstones that the pages of the inventory under way have named.</summary>
    public Dictionary<FileName, MovieVersion> HeldTombstones { get; } = [];

    public long ReplyNumber { get; set; }

    /// <summary>By its last beat, the number of the last reply of this master that this life had when it made the beat; 0: none.</summary>
    public long AppliedReply { get; set; }

    public long Pending { get; set; }

    public int Streams { get; set; }

    /// <summary>What the node says of its program and machine; null if it is of a version that says nothing.</summary>
    public NodeAbout? About { get; set; }

    public NodeInventory Inventory { get; } = new(id, index);

    /// <summary>Prepared uploads by its last beat.</summary>
    public IReadOnlyList<PreparedReport> Prepared { get; set; } = [];

    /// <summary>Resumable uploads that wait there for their next piece, by its last beat.</summary>
    public IReadOnlyList<UnfinishedReport> Unfinished { get; set; } = [];

    public IReadOnlyList<PullProgress> Pulls { get; set; } = [];

    /// <summary>Tombstones it is not known to have, with the number of the reply that last carried them (0: none did).</summary>
    public Dictionary<FileName, (Tombstone Tombstone, long SentWith)> OwedTombstones { get; } = [];

    public List<Tombstone> OwedForgets { get; } = [];

    /// <summary>Versions it holds that are not the current one of their name: looked at whenever a beat is answered.</summary>
    public HashSet<MovieVersion> Suspects { get; } = [];

    /// <summary>Versions that somebody has reason to have re-read here; told with the next answer.</summary>
    public HashSet<MovieVersion> Doubted { get; } = [];

    /// <summary>By its last beat, how far it has come with re-reading what it holds.</summary>
    public ScrubReport? Scrub { get; set; }

    /// <summary>Seconds by which a clock may be off without a word.</summary>
    public const double ToleratedSkew = 30;

    /// <summary>Seconds by which its clock is ahead of the master's, by its last beat; null: it does not tell.</summary>
    public double? ClockSkew { get; set; }

    /// <summary>Replicas in its quarantine, by its last beat; null if it has not beaten since the master started.</summary>
    public int? Quarantined { get; set; }

    /// <summary>What an admin wants of its scrub; null when it has done that.</summary>
    public ScrubOrder? WantedScrub { get; set; }

    public NodeView ToView() => new(Id, RingKey, Address, PublicUrl, Zone, Space, Alive, Draining, ClosedForWrites, Pending, IsExpected, Failed, Draining && DrainPaused, Draining ? DrainBytesPerSecond : 0);
}
