using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>
/// Background work that comes again and again (house rule 12). A failure is logged and the next tick comes; runs never overlap, whoever
/// starts them; the period is asked for before every wait, so that a changed option counts at once.
/// </summary>
/// <remarks>
/// The period runs from start to start: a beat that takes a second does not make the next one a second late. A run that outlasts its
/// period is followed by the next at once.
/// </remarks>
public abstract partial class PeriodicService : BackgroundService
{
    // Timers take no more than 2^32 - 2 milliseconds.
    private static readonly TimeSpan _longestWait = TimeSpan.FromDays(40);
    private static readonly TimeSpan _shortestPeriod = TimeSpan.FromMilliseconds(1);

    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _period;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private TaskCompletionSource _wake = NewSignal();
    private volatile PeriodicStatus _status = PeriodicStatus.Fresh;

    /// <param name="period">From start to start; <see cref="Timeout.InfiniteTimeSpan"/>: only when woken.</param>
    protected PeriodicService(TimeProvider time, Func<TimeSpan> period, ILogger logger)
    {
        _time = time;
        _period = period;
        _logger = logger;
    }

    /// <summary>The clock everything here runs by.</summary>
    protected TimeProvider Time => _time;

    /// <summary>How this work is called in logs and status pages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>Last start, end and error.</summary>
    public PeriodicStatus Status => _status;

    /// <summary>How long to wait before the first run. Zero unless overridden: most work has something to do right after the start.</summary>
    protected virtual TimeSpan FirstDelay => TimeSpan.Zero;

    /// <summary>
    /// Runs now and returns when it is done; waits its turn when a run is under way. The loop calls the same method.
    /// </summary>
    /// <exception cref="Exception">Whatever the run threw: a caller who asked for it gets to see it.</exception>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var before = _status;
            _status = before with { LastStart = _time.GetUtcNow(), Running = true };
            try
            {
                await RunAsync(cancellationToken);
                _status = _status with { LastEnd = _time.GetUtcNow(), LastError = null, Failures = 0, Running = false };
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Told to stop: that says nothing about the work.
                _status = _status with { LastEnd = _time.GetUtcNow(), Running = false };
                throw;
            }
            catch (Exception failure)
            {
                _status = _status with { LastEnd = _time.GetUtcNow(), LastError = failure, Failures = before.Failures + 1, Running = false };
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Does something between two runs: waits for the one that is under way, and no other begins meanwhile.</summary>
    protected async Task BetweenRunsAsync(Action what)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            what();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the wait early. During a run it is remembered: another run follows. Many calls make one run.</summary>
    public void Wake() => Volatile.Read(ref _wake).TrySetResult();

    /// <summary>One run. Throwing is allowed and costs only this run.</summary>
    protected abstract Task RunAsync(CancellationToken cancellationToken);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (FirstDelay != TimeSpan.Zero) await WaitAsync(FirstDelay, stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                // Before the run, not after: a wake that comes while it runs must be followed by another.
                Volatile.Write(ref _wake, NewSignal());
                var started = _time.GetTimestamp();
                await TickAsync(stoppingToken);
                var period = _period();
                if (period != Timeout.InfiniteTimeSpan)
                {
                    if (period < _shortestPeriod) period = _shortestPeriod;
                    period -= _time.GetElapsedTime(started);
                    if (period <= TimeSpan.Zero) continue;
                }

                await WaitAsync(period, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops; nothing to say.
        }
    }

    private async Task TickAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RunOnceAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception failure)
        {
            LogFailed(failure, Name, _status.Failures);
        }
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken stoppingToken)
    {
        var signal = Volatile.Read(ref _wake);
        // The timer completes this wait's own signal, so that one which fires late cannot cut the next wait short.
        var due = wait > _longestWait ? _longestWait : wait;
        await using var timer = _time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), signal, due, Timeout.InfiniteTimeSpan);
        await signal.Task.WaitAsync(stoppingToken);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Service} failed ({Failures} in a row); it runs again at its next turn.")]
    private partial void LogFailed(Exception failure, string service, int failures);
}
