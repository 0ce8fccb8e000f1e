using Mdfs.Master.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>Cluster age counts seconds in which a master ran, and nothing else (design, section 1).</summary>
public sealed class MasterClusterClockTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void It_goes_on_from_the_highest_age_that_anybody_remembers()
    {
        var clock = new ClusterClock(_time);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(10, clock.Age);
        clock.Hear(1000);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(1005, clock.Age);
        clock.Hear(900);
        Assert.Equal(1005, clock.Age);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(-5)]
    public void It_does_not_listen_to_nonsense(double age)
    {
        var clock = new ClusterClock(_time);
        clock.Hear(age);
        Assert.Equal(0, clock.Age);
    }
}
