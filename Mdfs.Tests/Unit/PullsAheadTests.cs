using Mdfs.Master;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class PullsAheadTests
{
    private static readonly Dictionary<NodeId, int> Idle = [];

    [Fact]
    public void A_node_gets_what_it_has_places_for_in_the_order_of_the_plan_and_each_once()
    {
        var ahead = Ahead((1, 1), (2, 1), (3, 1));
        Assert.Equal([1, 2], Taken(ahead, 1, Idle));
        Assert.Equal([], Taken(ahead, 1, new() { [Id(1)] = 2 }));
        Assert.False(ahead.IsEmptyFor(Id(1)));
        Assert.Equal([3], Taken(ahead, 1, new() { [Id(1)] = 1 }));
        Assert.True(ahead.IsEmptyFor(Id(1)));
    }

    [Fact]
    public void Scarce_places_go_to_those_who_come_first_in_the_plan_whoever_beats_first()
    {
        var ahead = Ahead((1, 2), (2, 1), (3, 1));
        Assert.Equal([2], Taken(ahead, 1, Idle, inTotal: 2));
        Assert.Equal([], Taken(ahead, 1, new() { [Id(1)] = 1 }, inTotal: 2));
        Assert.Equal([1], Taken(ahead, 2, new() { [Id(1)] = 1 }, inTotal: 2));
    }

    [Fact]
    public void Those_whose_hands_are_full_hold_nobody_up()
    {
        var ahead = Ahead((1, 2), (2, 2), (3, 1));
        Assert.Equal([3], Taken(ahead, 1, new() { [Id(2)] = 2 }, inTotal: 3));
    }

    [Fact]
    public void All_live_nodes_may_work_at_once_unless_a_limit_is_set()
    {
        var (ahead, nodes) = (Ahead([.. Enumerable.Range(1, 40).Select(node => (node, node))]), Enumerable.Range(1, 40).ToList());
        Assert.All(nodes, node => Assert.Equal([node], Taken(ahead, node, nodes.Where(other => other < node).ToDictionary(Id, _ => 2), new MasterOptions().MostPulls(40))));
        Assert.Equal(5, new MasterOptions { RepairConcurrency = 5 }.MostPulls(40));
        Assert.Equal(2, new MasterOptions().MostPulls(0));
    }

    [Fact]
    public void Of_what_has_a_limit_no_more_is_begun_than_it_is_shared_by_and_on_each_node_a_place_stays_for_healing()
    {
        var ahead = new PullsAhead();
        ahead.Replace([Planned(1, 1, 9), Planned(2, 1, 9), Planned(3, 2, 9), Planned(4, 3, 9), Planned(5, 1), Planned(6, 3)]);
        Assert.Equal([6], Taken(ahead, 3, Idle));
        Assert.Equal([1, 5], Taken(ahead, 1, Idle));
        Assert.Equal([], Taken(ahead, 3, new() { [Id(1)] = 2, [Id(3)] = 1 }, slow: new() { [Id(1)] = 1 }));
        Assert.Equal([3], Taken(ahead, 2, new() { [Id(1)] = 2 }, slow: new() { [Id(1)] = 1 }));
        Assert.Equal([], Taken(ahead, 3, new() { [Id(2)] = 1 }, slow: new() { [Id(2)] = 1 }));
        Assert.Equal([2], Taken(ahead, 1, new() { [Id(2)] = 1 }, slow: new() { [Id(2)] = 1 }));
        Assert.Equal([4], Taken(ahead, 3, new() { [Id(1)] = 1 }, slow: new() { [Id(1)] = 1 }));
    }

    [Fact]
    public void What_has_a_limit_does_not_take_all_places_of_the_cluster()
    {
        var ahead = new PullsAhead();
        ahead.Replace([Planned(1, 1, 9), Planned(2, 2, 9), Planned(3, 3)]);
        Assert.Equal([1], Taken(ahead, 1, Idle, inTotal: 2));
        Assert.Equal([], Taken(ahead, 2, new() { [Id(1)] = 1 }, inTotal: 2, slow: new() { [Id(1)] = 1 }));
        Assert.Equal([3], Taken(ahead, 3, new() { [Id(1)] = 1 }, inTotal: 2, slow: new() { [Id(1)] = 1 }));
    }

    [Fact]
    public void A_new_plan_takes_the_place_of_the_one_before()
    {
        var ahead = Ahead((1, 1));
        ahead.Replace([Planned(7, 1)]);
        Assert.Equal([7], Taken(ahead, 1, Idle));
        ahead.Clear();
        Assert.Equal([], Taken(ahead, 1, Idle));
    }

    private static PullsAhead Ahead(params (int Version, int Target)[] plan)
    {
        var ahead = new PullsAhead();
        ahead.Replace(plan.Select(one => Planned(one.Version, one.Target)));
        return ahead;
    }

    private static IEnumerable<long> Taken(PullsAhead ahead, int node, Dictionary<NodeId, int> running, int inTotal = 16, Dictionary<NodeId, int>? slow = null) =>
        ahead.Take(Id(node), running, perNode: 2, inTotal, slow ?? [], mostSlow: 2).Select(planned => planned.Order.Replica.Version.Number);

    private static PlannedPull Planned(int version, int target, long bytesPerSecond = 0) => new(Id(target), new PullOrder(RepairPlannerTests.Replica(version), [], bytesPerSecond));
}
