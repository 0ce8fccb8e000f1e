namespace Mdfs.Cli.Transfer;

/// <summary>A token that is cancelled when nothing has moved for a while. Transfers are limited by silence, never by length.</summary>
internal sealed class Silence : IDisposable
{
    /// <summary>Longer than the minute that a commit waits for a Redis that blinks.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenSource _source;

    public Silence(CancellationToken outer, TimeProvider? time = null)
    {
        _outer = outer;
        _limit = new CancellationTokenSource(Limit, time ?? TimeProvider.System);
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer, _limit.Token);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether it was silence, and not the person at the keyboard, that ended it.</summary>
    public bool Struck => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    public void Broken() => _limit.CancelAfter(Limit);

    /// <summary>Until it is broken it is no silence: somebody else is waited for.</summary>
    public void Suspend() => _limit.CancelAfter(Timeout.InfiniteTimeSpan);

    public TimeoutException Sentence(Exception? inner = null) => new($"Nothing has moved for {Limit.TotalSeconds:0} s.", inner);

    public void Dispose()
    {
        _source.Dispose();
        _limit.Dispose();
    }
}
