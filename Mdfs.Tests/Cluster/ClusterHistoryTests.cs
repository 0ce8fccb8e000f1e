using Mdfs.Gateway.Streams;
using Mdfs.Master.Status;
using Mdfs.Master.Transfer;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>A day of samples in memory, by a clock that the test moves.</summary>
public sealed class ClusterHistoryTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_hour_is_remembered_finely_and_a_day_coarsely_and_no_more_than_that()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var rig = await MasterRig.StartAsync();
        var history = ActivatorUtilities.CreateInstance<ClusterHistory>(rig.Services, time);
        for (var i = 0; i < 25 * 360; i++)
        {
            await history.RunOnceAsync(Cancelled);
            time.Advance(TimeSpan.FromSeconds(10));
        }

        var hour = history.Of(60);
        Assert.Equal((10, 360), (hour.StepSeconds, hour.Samples.Count));
        Assert.Equal(6, history.Of(1).Samples.Count);
        var day = history.Of(ClusterHistory.MaxMinutes);
        Assert.Equal((60, 1440), (day.StepSeconds, day.Samples.Count));
        Assert.All(day.Samples.Zip(day.Samples.Skip(1)), pair => Assert.Equal(TimeSpan.FromMinutes(1), pair.Second.At - pair.First.At));
    }

    [Fact]
    public async Task Rates_are_what_moved_since_the_sample_before()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var rig = await MasterRig.StartAsync();
        var transfer = rig.Get<TransferMetrics>();
        var history = ActivatorUtilities.CreateInstance<ClusterHistory>(rig.Services, time);
        await history.RunOnceAsync(Cancelled);
        transfer.Taken(1000);
        rig.Get<StreamMetrics>().Given(50_000);
        time.Advance(TimeSpan.FromSeconds(10));
        await history.RunOnceAsync(Cancelled);
        Assert.Equal((100L, 5000L), (history.Last!.BytesInPerSecond, history.Last.BytesOutPerSecond));
        time.Advance(TimeSpan.FromSeconds(10));
        await history.RunOnceAsync(Cancelled);
        Assert.Equal((0L, 0L), (history.Last!.BytesInPerSecond, history.Last.BytesOutPerSecond));
    }

    [Theory]
    [InlineData(0, 0, null)]
    [InlineData(1000, 0, null)]
    [InlineData(0, 50, null)]
    [InlineData(1000, 100, 10L)]
    [InlineData(1001, 100, 11L)]
    public void The_end_of_healing_is_foreseen_only_while_something_moves(long remaining, long rate, long? seconds) =>
        Assert.Equal(seconds, HealingFacts.Of(1, 0, remaining, rate).EtaSeconds);
}
