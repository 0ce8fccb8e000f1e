namespace Mdfs.Master.Catalog.Store;

/// <summary>
/// Decides between a commit that is about to be sent and a caller who stops waiting: exactly one of them wins, so that "never sent" is a
/// fact and not a hope.
/// </summary>
internal sealed class CommitTicket
{
    private const int Waiting = 0, Sent = 1, SentLast = 2, Withdrawn = 3;

    private int _state;

    public bool IsWithdrawn => Volatile.Read(ref _state) == Withdrawn;

    /// <summary>False: the caller has left, nothing may be sent.</summary>
    public bool TrySend() => Interlocked.CompareExchange(ref _state, Sent, Waiting) == Waiting;

    /// <summary>What was sent is known not to stand. False: the caller has left, it is not tried again.</summary>
    public bool TryAgain() => Interlocked.CompareExchange(ref _state, Waiting, Sent) == Sent;

    /// <summary>The caller leaves. True: nothing was sent and nothing will be. False: something is on its way, but it was the last.</summary>
    public bool Leave()
    {
        while (true)
        {
            if (Interlocked.CompareExchange(ref _state, Withdrawn, Waiting) is Waiting or Withdrawn) return true;
            if (Interlocked.CompareExchange(ref _state, SentLast, Sent) is Sent or SentLast) return false;
        }
    }
}
