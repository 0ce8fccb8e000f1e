namespace Mdfs.Master.Catalog.Store;

/// <summary>How a commit ended. A closed set.</summary>
public abstract record CommitOutcome
{
    private CommitOutcome()
    {
    }

    /// <summary>The change stands in Redis.</summary>
    public sealed record Committed(long Sequence) : CommitOutcome;

    /// <summary>The change does not stand in Redis and never will: it was not sent, or it was fenced off.</summary>
    /// <param name="Reason">A sentence for an operator.</param>
    public sealed record Unavailable(string Reason) : CommitOutcome;

    /// <summary>Another master with this epoch reigns. The change will not be acknowledged by anybody; this master must stop.</summary>
    public sealed record Replaced(long Epoch) : CommitOutcome;

    /// <summary>
    /// The change was sent and not answered within <see cref="CatalogStoreOptions.CommitWait"/>. The settlement ends with one of the other
    /// three when Redis has been read back, however long that takes; it is cancelled only when the store is disposed of. Nothing else is
    /// committed before.
    /// </summary>
    public sealed record Unsettled(Task<CommitOutcome> Settlement) : CommitOutcome;
}

/// <summary>How a write that is no commit ended. All of them may be repeated.</summary>
public abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    public sealed record Written : WriteOutcome;

    /// <summary>Redis did not confirm it; it may stand there or not, but it will not land after any later write.</summary>
    public sealed record Unavailable(string Reason) : WriteOutcome;

    public sealed record Replaced(long Epoch) : WriteOutcome;
}

/// <summary>How taking or raising the epoch ended.</summary>
public abstract record EpochOutcome
{
    private EpochOutcome()
    {
    }

    /// <summary>This master reigns with this epoch.</summary>
    public sealed record Taken(long Epoch) : EpochOutcome;

    public sealed record Unavailable(string Reason) : EpochOutcome;

    /// <summary>Only for a master that already reigned: another one does now.</summary>
    public sealed record Replaced(long Epoch) : EpochOutcome;

    /// <summary>This Redis must not be used as it is configured; the reason says what to change.</summary>
    public sealed record Refused(string Reason) : EpochOutcome;
}
