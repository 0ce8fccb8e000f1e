using Mdfs.Master.Cluster;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>No two masters of a cluster ever have the same epoch, whatever becomes of Redis (design, section 2.7).</summary>
public sealed class MasterEpochTests(GarnetProcess redis) : IClassFixture<GarnetProcess>
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_first_epoch_is_not_below_the_clock_so_that_none_comes_twice_after_a_wipe()
    {
        await WipeAsync();
        var first = await ReignAsync(Noon);
        Assert.Equal(Noon.ToUnixTimeMilliseconds() + 1, first);
        Assert.Equal(first + 1, await ReignAsync(Noon));

        await WipeAsync();
        // Nobody is there to tell it of the others.
        Assert.True(await ReignAsync(Noon.AddSeconds(1)) > first + 1);
    }

    [Fact]
    public async Task A_clock_that_was_set_back_does_not_lower_the_epoch_while_Redis_remembers()
    {
        await WipeAsync();
        var first = await ReignAsync(Noon);
        Assert.Equal(first + 1, await ReignAsync(Noon.AddDays(-3)));
    }

    private async Task<long> ReignAsync(DateTimeOffset now)
    {
        await using var rig = await MasterRig.StartAtAsync(Address, new FakeTimeProvider(now));
        return rig.Get<MasterIdentity>().Epoch;
    }

    private string Address => $"127.0.0.1:{redis.Port}";

    private async Task WipeAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Address + ",allowAdmin=true");
        await connection.GetServers().Single().FlushAllDatabasesAsync();
        Assert.False(Cancelled.IsCancellationRequested);
    }
}
