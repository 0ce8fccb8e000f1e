using Mdfs.ServiceDefaults.Output;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// Gives back what a stream holds when its reader has taken nothing for a while: on the master the window and with it the worker, so that a player that was paused for the night
/// is served on from the exact byte by whoever holds the movie then; on a worker its place in the count of those who read; and on both the memory of what it has not taken. One timer per stream, armed only while a flush waits.
/// </summary>
public sealed class StreamPause : IDisposable
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int GivenBack = 2;

    private readonly IDisposable _held;
    private readonly BodyOutput _output;
    private readonly TimeSpan _limit;
    private readonly ITimer _timer;
    private int _state;

    /// <param name="held">Disposed when the reader has paused for as long as <paramref name="limit"/>.</param>
    /// <param name="output">Where the reader is sent what it takes.</param>
    public StreamPause(IDisposable held, BodyOutput output, TimeSpan limit, TimeProvider time)
    {
        (_held, _output, _limit) = (held, output, limit);
        _timer = time.CreateTimer(static pause => ((StreamPause)pause!).GiveBack(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The reader is being waited for. Nobody touches what is held until <see cref="End"/>.</summary>
    public void Begin()
    {
        Volatile.Write(ref _state, Waiting);
        _timer.Change(_limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The reader went on. True: what was held has been given back.</summary>
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
        if (Interlocked.CompareExchange(ref _state, GivenBack, Waiting) != Waiting) return;
        _held.Dispose();
        _output.GiveBack();
    }
}
