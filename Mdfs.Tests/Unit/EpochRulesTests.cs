using Mdfs.Master.Cluster;

namespace Mdfs.Tests.Unit;

public sealed class EpochRulesTests
{
    [Theory]
    [InlineData(7, 7, 7L, EpochVerdict.Reigns)]
    [InlineData(7, 0, 7L, EpochVerdict.Reigns)]
    [InlineData(7, 8, 8L, EpochVerdict.Replaced)]
    [InlineData(7, 7, 8L, EpochVerdict.Replaced)]
    [InlineData(7, 9, 8L, EpochVerdict.Replaced)]
    [InlineData(7, 8, 7L, EpochVerdict.RaiseAbove)]
    [InlineData(7, 8, null, EpochVerdict.RaiseAbove)]
    [InlineData(7, 7, 6L, EpochVerdict.RestoreRedis)]
    [InlineData(7, 7, null, EpochVerdict.RestoreRedis)]
    public void A_master_that_hears_of_another_epoch_lets_Redis_decide(long own, long heard, long? inRedis, EpochVerdict verdict) =>
        Assert.Equal(verdict, EpochRules.Judge(own, heard, inRedis));

    [Fact]
    public void A_worker_obeys_only_the_highest_epoch_it_has_obeyed_and_higher_ones()
    {
        Assert.True(EpochRules.Obeys(7, 7));
        Assert.True(EpochRules.Obeys(8, 7));
        Assert.False(EpochRules.Obeys(6, 7));
    }

    [Fact]
    public void A_starting_master_takes_a_higher_epoch() => Assert.Equal((1, 8), (EpochRules.First(null), EpochRules.First(7)));
}
