using System.Threading.Channels;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit.ServiceDefaults;

public sealed class PeriodicServiceTests
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);

    private readonly ObservedTime _time = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failure_is_logged_and_remembered_and_the_next_tick_comes()
    {
        var log = new CountingLogger();
        using var service = new Work(_time, () => _period, run => run == 1 ? throw new InvalidOperationException("the disk is gone") : Task.CompletedTask, log);
        await service.StartAsync(Stop);

        Assert.Equal(1, await service.Runs.ReadAsync(Stop));
        await _time.Waiting.ReadAsync(Stop);
        Assert.Equal("the disk is gone", service.Status.LastError?.Message);
        Assert.Equal(1, service.Status.Failures);
        Assert.Equal(1, log.Errors);

        _time.Advance(_period);
        Assert.Equal(2, await service.Runs.ReadAsync(Stop));
        await _time.Waiting.ReadAsync(Stop);
        Assert.Null(service.Status.LastError);
        Assert.Equal(0, service.Status.Failures);
        Assert.Equal(_time.GetUtcNow(), service.Status.LastEnd);
        await service.StopAsync(Stop);
    }

    [Fact]
    public async Task The_period_runs_from_start_to_start()
    {
        using var service = new Work(_time, () => _period, _ =>
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            return Task.CompletedTask;
        });
        await service.StartAsync(Stop);
        await service.Runs.ReadAsync(Stop);
        Assert.Equal(TimeSpan.FromSeconds(3), await _time.Waiting.ReadAsync(Stop));
        await service.StopAsync(Stop);
    }

    [Fact]
    public async Task Waking_ends_the_wait()
    {
        using var service = new Work(_time, () => Timeout.InfiniteTimeSpan, _ => Task.CompletedTask);
        await service.StartAsync(Stop);
        await service.Runs.ReadAsync(Stop);
        await _time.Waiting.ReadAsync(Stop);
        service.Wake();
        Assert.Equal(2, await service.Runs.ReadAsync(Stop));
        await service.StopAsync(Stop);
    }

    [Fact]
    public async Task A_wake_during_a_run_is_followed_by_one_more_run_and_no_more()
    {
        Work service = null!;
        using var disposed = service = new Work(_time, () => Timeout.InfiniteTimeSpan, run =>
        {
            if (run > 1) return Task.CompletedTask;
            service.Wake();
            service.Wake();
            return Task.CompletedTask;
        });
        await service.StartAsync(Stop);
        Assert.Equal(1, await service.Runs.ReadAsync(Stop));
        Assert.Equal(2, await service.Runs.ReadAsync(Stop));
        await _time.Waiting.ReadAsync(Stop);
        await _time.Waiting.ReadAsync(Stop);
        Assert.False(service.Runs.TryRead(out _));
        await service.StopAsync(Stop);
    }

    [Fact]
    public async Task Runs_asked_for_at_the_same_time_take_turns()
    {
        var inside = 0;
        var most = 0;
        using var service = new Work(_time, () => _period, async _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
        });
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => service.RunOnceAsync(Stop), Stop)));
        Assert.Equal(1, most);
        Assert.Equal(50, service.Count);
    }

    [Fact]
    public async Task Whoever_asks_for_a_run_sees_its_failure()
    {
        using var service = new Work(_time, () => _period, _ => throw new InvalidOperationException("no"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => service.RunOnceAsync(Stop));
        Assert.NotNull(service.Status.LastError);
        Assert.False(service.Status.Running);
    }

    [Fact]
    public async Task Being_stopped_is_not_a_failure()
    {
        using var service = new Work(_time, () => _period, (_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        await service.StartAsync(Stop);
        await service.Runs.ReadAsync(Stop);
        await service.StopAsync(Stop);
        Assert.Null(service.Status.LastError);
        Assert.False(service.Status.Running);
        Assert.True(service.ExecuteTask!.IsCompletedSuccessfully);
    }

    private sealed class Work(TimeProvider time, Func<TimeSpan> period, Func<int, CancellationToken, Task> run, ILogger? log = null)
        : PeriodicService(time, period, log ?? NullLogger.Instance)
    {
        private readonly Channel<int> _runs = Channel.CreateUnbounded<int>();

        public Work(TimeProvider time, Func<TimeSpan> period, Func<int, Task> run, ILogger? log = null) : this(time, period, (number, _) => run(number), log)
        {
        }

        public int Count { get; private set; }

        public ChannelReader<int> Runs => _runs.Reader;

        protected override Task RunAsync(CancellationToken cancellationToken)
        {
            Count++;
            _runs.Writer.TryWrite(Count);
            return run(Count, cancellationToken);
        }
    }

    /// <summary>A clock that tells when somebody begins to wait, so that a test never moves it too early.</summary>
    private sealed class ObservedTime : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _waiting = Channel.CreateUnbounded<TimeSpan>();

        public ChannelReader<TimeSpan> Waiting => _waiting.Reader;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _waiting.Writer.TryWrite(dueTime);
            return timer;
        }
    }

    private sealed class CountingLogger : ILogger
    {
        public int Errors { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error && exception is not null) Errors++;
        }
    }
}
