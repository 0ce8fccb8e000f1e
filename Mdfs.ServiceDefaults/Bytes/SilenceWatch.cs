namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// Limits a transfer by silence, never by length (house rule 8). The clock runs only between <see cref="Begin()"/> and <see cref="End"/>, that is
/// while one waits for the side that is watched: time that another side takes is never held against it. One waiter at a time.
/// </summary>
public sealed class SilenceWatch : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationToken _outer;

    /// <param name="limit">The longest silence.</param>
    /// <param name="outer">The caller's own cancellation; <see cref="Token"/> follows it.</param>
    public SilenceWatch(TimeSpan limit, TimeProvider time, CancellationToken outer)
    {
        Limit = limit;
        _outer = outer;
        _source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        Token = _source.Token;
        _registration = outer.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>The silence that is allowed at this moment.</summary>
    public TimeSpan Limit { get; private set; }

    /// <summary>Cancelled by silence or by the caller. Stays readable after disposal.</summary>
    public CancellationToken Token { get; }

    /// <summary>The caller does not want it any more.</summary>
    public bool Cancelled => _outer.IsCancellationRequested;

    /// <summary>The side that is watched was silent for too long.</summary>
    public bool Expired => Token.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>From now on silence counts.</summary>
    public void Begin() => _source.CancelAfter(Limit);

    /// <summary>From now on silence counts, and this much of it is allowed.</summary>
    public void Begin(TimeSpan limit)
    {
        Limit = limit;
        Begin();
    }

    /// <summary>There was progress, and nothing is waited for.</summary>
    public void End() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Whoever still waits with this watch shall stop.</summary>
    public void Break() => _source.Cancel();

    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
