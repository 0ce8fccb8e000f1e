namespace Mdfs.Tests.Unit.Model;

/// <summary>One rule of the design, broken on purpose: the model must find what it costs, or it would prove nothing when it finds nothing.</summary>
internal enum Flaw
{
    None,

    /// <summary>The version is minted when the upload starts, not when it commits.</summary>
    MintAtUploadStart,

    /// <summary>Replicas are sealed before the transaction.</summary>
    SealBeforeTransaction,

    /// <summary>A tombstone is forgotten once every live worker has it, however young it is.</summary>
    ForgetTombstoneByCount,

    /// <summary>Tombstones stand in Redis only.</summary>
    TombstonesOnlyInRedis,

    /// <summary>
    /// Orders that remove bytes are queued and carried out whenever they arrive: no life, no order of replies, no knowing that one is under way.
    /// </summary>
    DeleteOrdersWithoutLife,

    /// <summary>Trimming trusts copies that were not re-read since their node came back.</summary>
    TrimUnverified,

    /// <summary>Workers obey every master.</summary>
    WorkersIgnoreEpochs,

    /// <summary>Transactions do not check epoch and sequence.</summary>
    UnconditionalTransactions,

    /// <summary>A transaction without an answer is settled by only reading.</summary>
    SettleByPlainRead,

    /// <summary>A transaction without an answer is taken as failed.</summary>
    UnknownMeansFailed,

    /// <summary>Absence is counted from the cluster age the node had heard last when its life began.</summary>
    AbsenceSinceLastHeard,

    /// <summary>Replicas are adopted while the master is rebuilding.</summary>
    AdoptWhileRebuilding,

    /// <summary>Superseded replicas go without asking whether the present version is complete.</summary>
    RemoveSupersededAtOnce,

    /// <summary>Prepared bytes of the entry that a commit under way may put back count as those of an upload that is over.</summary>
    DiscardWhatIsPutBack,

    /// <summary>An entry yields on the word of inventories that are older than itself.</summary>
    YieldByOldInventory,

    /// <summary>The cluster age is written down only when somebody beats, and not before a tombstone is forgotten by it.</summary>
    AgeOnlyWithBeats,
}
