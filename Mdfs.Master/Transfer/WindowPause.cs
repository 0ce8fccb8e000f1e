namespace Mdfs.Master.Transfer;

/// <summary>
/// Gives a window back to its worker when the reader has taken nothing for a while: a player that was paused for the night holds neither a connection nor
/// a disk, and is served on from the exact byte, by whoever holds the movie then. One timer per window, armed only while a flush waits.
/// </summary>
internal sealed class WindowPause : IDisposable
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int GivenBack = 2;

    private readonly IDisposable _window;
    private readonly TimeSpan _limit;
    private readonly ITimer _timer;
    private int _state;

    public WindowPause(IDisposable window, TimeSpan limit, TimeProvider time)
    {
        (_window, _limit) = (window, limit);
        _timer = time.CreateTimer(static pause => ((WindowPause)pause!).GiveBack(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The reader is being waited for. Nobody touches the window until <see cref="End"/>.</summary>
    public void Begin()
    {
        Volatile.Write(ref _state, Waiting);
        _timer.Change(_limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The reader went on. True: the window is gone, and another one has to be opened.</summary>
    public bool End()
    {
        var gone = Interlocked.CompareExchange(ref _state, Idle, Waiting) == GivenBack;
        if (!gone) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return gone;
    }

    public void Dispose() => _timer.Dispose();

    // Late, after a flush that has just ended, it finds another state and does nothing.
    private void GiveBack()
    {
        if (Interlocked.CompareExchange(ref _state, GivenBack, Waiting) == Waiting) _window.Dispose();
    }
}
