using System.Collections.Concurrent;
using System.Diagnostics;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Replication;

/// <summary>The pulls of this node: a few at a time, each once, their progress and failures told in beats (design, section 6).</summary>
internal sealed partial class PullDesk(
    PullRunner runner, Scrubber scrubber, Inventory inventory, BeatBell bell, WorkerMetrics metrics, InstanceTelemetry telemetry, IOptions<WorkerOptions> options, ILogger<PullDesk> logger) : IHostedService, IDisposable
{
    private readonly ConcurrentDictionary<MovieVersion, Pull> _pulls = new();
    private readonly SemaphoreSlim _slots = new(options.Value.PullConcurrency);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Begins a pull; one that is under way gets the newer list of sources.</summary>
    public void Start(PullOrder order)
    {
        if (_stopping.IsCancellationRequested) return;
        var pull = new Pull(order, CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token));
        var kept = _pulls.GetOrAdd(order.Replica.Version, pull);
        if (kept == pull)
        {
            pull.Task = Task.Run(() => RunAsync(pull), CancellationToken.None);
            return;
        }

        kept.Order = order;
        // Orders repeat with every beat, and what is linked to the end of this desk would hang on it until then.
        pull.Stop.Dispose();
    }

    public void Cancel(MovieVersion version)
    {
        if (!_pulls.TryGetValue(version, out var pull)) return;
        pull.Unwanted = true;
        try
        {
            pull.Stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just come to its end.
        }
    }

    public bool IsPulling(MovieVersion version) => _pulls.ContainsKey(version);

    public IReadOnlyList<PullProgress> Progress() =>
        [.. _pulls.Values.Select(static pull => new PullProgress(pull.Order.Replica.Version, pull.Done, pull.Order.Replica.Size) { Kept = pull.Kept })];

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_pulls.Values.Select(static pull => pull.Task)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _slots.Dispose();
    }

    private async Task RunAsync(Pull pull)
    {
        var version = pull.Order.Replica.Version;
        try
        {
            await _slots.WaitAsync(pull.Stop.Token);
            // No request began it: with a span of its own, what it asks of other nodes is one trace.
            using var span = telemetry.Activities.StartActivity("make a copy");
            span?.SetTag("mdfs.version", version.Number).SetTag("mdfs.size", pull.Order.Replica.Size).SetTag("mdfs.sources", pull.Order.Sources.Count);
            string? failure;
            try
            {
                failure = await runner.RunAsync(pull);
            }
            finally
            {
                _slots.Release();
            }

            if (failure is not null) span?.SetStatus(ActivityStatusCode.Error, failure);
            End(version, failure);
            if (failure is null && Canary.Is(version)) await scrubber.CanaryHealedAsync(pull.Stop.Token);
        }
        catch (OperationCanceledException) when (pull.Stop.IsCancellationRequested)
        {
            if (pull.Unwanted) runner.Forget(version);
        }
        catch (Exception error)
        {
            LogBroke(error, version);
            End(version, error.Message);
        }
        finally
        {
            _pulls.TryRemove(version, out _);
            pull.Stop.Dispose();
            bell.Ring();
        }
    }

    private void End(MovieVersion version, string? failure)
    {
        metrics.PullEnded(failure is null);
        if (failure is null) return;
        inventory.Failed(new PullFailure(version, failure));
        LogFailed(version, failure);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Version} could not be pulled: {Reason}")]
    private partial void LogFailed(MovieVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The pull of version {Version} broke in a way nobody foresaw.")]
    private partial void LogBroke(Exception error, MovieVersion version);
}

/// <summary>One pull under way.</summary>
internal sealed class Pull(PullOrder order, CancellationTokenSource stop)
{
    private volatile PullOrder _order = order;
    private Throttle? _limit;
    private long _done;
    private long _kept;

    /// <summary>The newest order for this version; only its sources and its limit may differ from the first.</summary>
    public PullOrder Order
    {
        get => _order;
        set => _order = value;
    }

    public CancellationTokenSource Stop => stop;

    /// <summary>The limit of this pull alone, as its newest order says; null: none. For the one who copies.</summary>
    public Throttle? Limit(TimeProvider time)
    {
        var wanted = Order.BytesPerSecond;
        if (wanted <= 0) return null;
        return _limit?.BytesPerSecond == wanted ? _limit : _limit = new Throttle(wanted, time);
    }

    /// <summary>The master no longer wants it, so nothing is kept to go on from.</summary>
    public bool Unwanted { get; set; }

    /// <summary>Bytes that lie here.</summary>
    public long Done
    {
        get => Interlocked.Read(ref _done);
        set => Interlocked.Exchange(ref _done, value);
    }

    /// <summary>Of these, what an interrupted attempt left.</summary>
    public long Kept
    {
        get => Interlocked.Read(ref _kept);
        set => Interlocked.Exchange(ref _kept, value);
    }

    public Task Task { get; set; } = Task.CompletedTask;
}
