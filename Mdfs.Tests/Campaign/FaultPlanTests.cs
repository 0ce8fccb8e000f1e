using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

public sealed class FaultPlanTests
{
    [Fact]
    public void One_seed_makes_one_plan_and_another_makes_another()
    {
        Assert.Equal(FaultPlan.Make(7, 200, workers: 4, RedisKind.Garnet), FaultPlan.Make(7, 200, workers: 4, RedisKind.Garnet));
        Assert.NotEqual(FaultPlan.Make(7, 200, workers: 4, RedisKind.Garnet), FaultPlan.Make(8, 200, workers: 4, RedisKind.Garnet));
    }

    [Fact]
    public void The_short_campaign_has_every_kind_of_fault_on_every_worker()
    {
        var plan = FaultPlan.Make(3, CampaignSettings.Short(RedisKind.Garnet), workers: 4, RedisKind.Garnet);
        Assert.Equal(Enum.GetValues<FaultKind>().Order(), plan.Select(fault => fault.Kind).Distinct().Order());
        Assert.Equal([0, 1, 2, 3], plan.Select(fault => fault.Worker).Distinct().Order());
        var other = FaultPlan.Make(3, CampaignSettings.Short(RedisKind.RedisServer), workers: 4, RedisKind.RedisServer);
        Assert.Equal(FaultPlan.First(RedisKind.RedisServer).Order(), other.Select(fault => fault.Kind).Order());
    }
}
