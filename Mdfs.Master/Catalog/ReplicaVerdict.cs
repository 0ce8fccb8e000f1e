namespace Mdfs.Master.Catalog;

/// <summary>What a sealed replica that a worker reports is to the catalog (design, section 4, "Reconcile by version").</summary>
public enum ReplicaVerdict
{
    /// <summary>A good copy of the current version.</summary>
    Copy,

    /// <summary>A copy of the current version with bad blocks: readable for its good ones, not counted, to be healed.</summary>
    DamagedCopy,

    /// <summary>Covered by a tombstone: to be deleted.</summary>
    Buried,

    /// <summary>Higher than the entry, or there is none: a sealed replica was committed, so Redis went back. It becomes the entry, by a transaction.</summary>
    Adopt,

    /// <summary>Lower than the entry: removed once <see cref="SupersededRemoval"/> allows.</summary>
    Superseded,

    /// <summary>The entry's version with another size or CRC: to quarantine, with an alarm.</summary>
    Conflict,

    /// <summary>Unknown, on a node that was away longer than tombstones live: to quarantine, for the admin to judge.</summary>
    TooLongAway,

    /// <summary>Committed by another cluster: to quarantine, with an alarm.</summary>
    OtherCluster,
}

/// <summary>What becomes of bytes that are prepared on a worker (design, section 4).</summary>
public enum PreparedVerdict
{
    /// <summary>The catalog holds their upload: the commit passed this worker by.</summary>
    Seal,

    Keep,

    Discard,
}
