using Mdfs.Worker.Integrity;

namespace Mdfs.Tests.Unit;

public sealed class ScrubPaceTests
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);
    private const long NoLimit = 1L << 40;

    [Fact]
    public void A_round_is_over_in_half_the_period_also_beside_players()
    {
        const long library = 100L << 40;
        foreach (var streams in new[] { 0, 1, 1000 })
            Assert.True(library / ScrubPace.Rate(library, Month, NoLimit, streams) <= TimeSpan.FromDays(15).TotalSeconds + 60);
    }

    [Fact]
    public void A_small_library_is_read_slowly_beside_players_and_at_ease_when_nobody_plays()
    {
        Assert.Equal(16L << 20, ScrubPace.Rate(1L << 30, Month, NoLimit, 0));
        Assert.Equal(1L << 20, ScrubPace.Rate(1L << 30, Month, NoLimit, 3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void The_limit_is_never_exceeded(int streams) => Assert.Equal(500_000, ScrubPace.Rate(100L << 40, Month, 500_000, streams));

    [Theory]
    [InlineData(0, false)]
    [InlineData(14, false)]
    [InlineData(15, true)]
    [InlineData(-1, true)]
    public void The_next_round_begins_after_half_the_period_and_a_clock_that_was_set_back_does_not_put_it_off(int daysAgo, bool due)
    {
        var now = new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(due, ScrubPace.IsDue(now - TimeSpan.FromDays(daysAgo), now, Month));
    }

    [Fact]
    public void An_empty_node_and_absurd_periods_give_a_rate_all_the_same()
    {
        Assert.True(ScrubPace.Rate(0, Month, NoLimit, 0) > 0);
        Assert.Equal(NoLimit, ScrubPace.Rate(long.MaxValue, TimeSpan.FromSeconds(1), NoLimit, 0));
    }
}
