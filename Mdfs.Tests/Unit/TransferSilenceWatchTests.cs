using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Mdfs.Tests.Unit;

public sealed class TransferSilenceWatchTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Only_time_spent_waiting_counts_and_progress_starts_it_anew()
    {
        using var caller = new CancellationTokenSource();
        using var watch = new SilenceWatch(TimeSpan.FromSeconds(10), _time, caller.Token);
        _time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 5; i++)
        {
            watch.Begin();
            _time.Advance(TimeSpan.FromSeconds(9));
            watch.End();
            _time.Advance(TimeSpan.FromMinutes(10));
        }
        Assert.False(watch.Expired);

        watch.Begin();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(watch.Expired);
        Assert.False(watch.Cancelled);
        Assert.True(watch.Token.IsCancellationRequested);
    }

    [Fact]
    public void The_callers_cancellation_is_told_from_silence()
    {
        using var caller = new CancellationTokenSource();
        using var watch = new SilenceWatch(TimeSpan.FromSeconds(10), _time, caller.Token);
        caller.Cancel();

        Assert.True(watch.Token.IsCancellationRequested);
        Assert.True(watch.Cancelled);
        Assert.False(watch.Expired);
    }

    [Fact]
    public void The_allowed_silence_can_change_on_the_way()
    {
        using var watch = new SilenceWatch(TimeSpan.FromSeconds(10), _time, CancellationToken.None);
        watch.Begin(TimeSpan.FromMinutes(2));
        _time.Advance(TimeSpan.FromSeconds(119));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(watch.Expired);
        Assert.Equal(TimeSpan.FromMinutes(2), watch.Limit);
    }
}
