using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class TrimPlannerTests
{
    private static readonly TrimRules Rules = new(new PlacementRules(), ReplicationFactor: 2, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5));

    [Fact]
    public void The_copy_that_placement_would_not_choose_goes_after_the_grace()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        var surplus = Candidate(1, 2, 3, 4);
        var order = Placement.RankHolders(view, surplus.Replica.Name, 2, Rules.Placement, [Id(1), Id(2), Id(3), Id(4)]);
        Assert.Equal(order[^1], Judge(view, surplus).Remove);
        Assert.Equal(TrimVerdict.Nothing, Judge(view, surplus with { SurplusFor = TimeSpan.FromMinutes(9) }));
        Assert.Equal(TrimVerdict.Nothing, Judge(view, surplus, inGrace: true));
    }

    [Fact]
    public void Exactly_as_many_copies_as_wanted_all_stay()
    {
        Assert.Equal(TrimVerdict.Nothing, Judge(View(Node(1), Node(2), Node(3)), Candidate(1, 2)));
        Assert.Equal(TrimVerdict.Nothing, Judge(View(Node(1), Node(2), Node(3) with { Alive = false }), Candidate(1, 2, 3)));
    }

    [Fact]
    public void Copies_that_stay_are_read_again_before_one_goes()
    {
        var view = View(Node(1), Node(2), Node(3));
        var surplus = Candidate(1, 2, 3);
        var kept = Placement.RankHolders(view, surplus.Replica.Name, 2, Rules.Placement, [Id(1), Id(2), Id(3)]).Take(2).ToList();
        var doubtful = surplus with { Copies = [.. surplus.Copies.Select(copy => copy with { Verified = copy.Node != kept[1] })] };
        var verdict = Judge(view, doubtful);
        Assert.Null(verdict.Remove);
        Assert.Equal([kept[1]], verdict.Verify);
        Assert.Equal(
            [new PlannedVerify(kept[1], surplus.Replica.Version)],
            TrimPlanner.Verifies(view, [doubtful], Activity(), Rules, inGrace: false));
    }

    [Fact]
    public void A_node_that_has_missed_a_beat_cannot_be_the_one_that_keeps()
    {
        var view = View(Node(1), Node(2), Node(3));
        var surplus = Candidate(1, 2, 3);
        foreach (var silent in Placement.RankHolders(view, surplus.Replica.Name, 2, Rules.Placement, [Id(1), Id(2), Id(3)]).Take(2))
        {
            var activity = Activity();
            activity[silent] = new NodeActivity(0, TimeSpan.FromSeconds(6));
            Assert.Equal(TrimVerdict.Nothing, TrimPlanner.Judge(view, surplus, activity, Rules, inGrace: false));
            activity.Remove(silent);
            Assert.Equal(TrimVerdict.Nothing, TrimPlanner.Judge(view, surplus, activity, Rules, inGrace: false));
        }
    }

    [Fact]
    public void While_one_removal_may_still_happen_no_other_is_ordered()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        foreach (var leaving in Enumerable.Range(0, 4))
        {
            var surplus = Candidate(1, 2, 3, 4);
            surplus = surplus with { Copies = [.. surplus.Copies.Select((copy, i) => copy with { Leaving = i == leaving })] };
            Assert.Equal(TrimVerdict.Nothing, Judge(view, surplus));
        }
    }

    [Fact]
    public void A_removal_of_which_a_silent_node_has_not_told_holds_nothing_up_and_its_copy_is_not_kept()
    {
        var view = View(Node(1) with { Alive = false }, Node(2), Node(3), Node(4));
        var surplus = Candidate(1, 2, 3, 4);
        surplus = surplus with { Copies = [.. surplus.Copies.Select(copy => copy with { Leaving = copy.Node == Id(1) })] };
        Assert.NotNull(Judge(view, surplus).Remove);
        Assert.NotEqual(Id(1), Judge(view, surplus).Remove);
    }

    [Fact]
    public void Damaged_and_draining_copies_go_before_good_ones_and_never_count_as_kept()
    {
        var view = View(Node(1), Node(2), Node(3) with { Draining = true }, Node(4));
        var damaged = Candidate(1, 2, 3, 4);
        damaged = damaged with { Copies = [.. damaged.Copies.Select(copy => copy with { Damaged = copy.Node == Id(1) })] };
        Assert.Equal(Id(1), Judge(view, damaged).Remove);
        Assert.Equal(Id(3), Judge(view, Candidate(1, 2, 3, 4)).Remove);

        var short1 = Candidate(1, 2, 3);
        short1 = short1 with { Copies = [.. short1.Copies.Select(copy => copy with { Damaged = copy.Node == Id(2) })] };
        Assert.Equal(TrimVerdict.Nothing, Judge(view, short1));
    }

    [Fact]
    public void What_trimming_leaves_healing_does_not_restore()
    {
        var random = new Random(20);
        for (var round = 1; round <= 300; round++)
        {
            var view = View(Enumerable.Range(1, 6).Select(
                i => Node(i, $"zone {random.Next(3)}", used: random.Next(1, 400) * GiB) with { Draining = random.Next(6) == 0 }));
            var candidate = Candidate(1, 2, 3, 4, 5, 6) with { Replica = RepairPlannerTests.Replica(round) };
            while (Judge(view, candidate).Remove is { } gone)
                candidate = candidate with { Copies = [.. candidate.Copies.Where(copy => copy.Node != gone)] };
            Assert.Equal(CopyGoal.Of(2, view), candidate.Copies.Count);
            var repair = new RepairCandidate(candidate.Replica, candidate.Copies, TimeSpan.FromDays(1));
            Assert.Empty(RepairPlanner.Plan(view, [repair], [], Activity(), new RepairRules(Rules.Placement, 2, TimeSpan.Zero), inGrace: false));
        }
    }

    [Fact]
    public void A_node_that_returns_after_others_were_given_its_copies_undoes_nothing_and_moves_nothing()
    {
        // All the others take part in healing, wherever the ring would have had the copies.
        var whole = View(Enumerable.Range(1, 6).Select(i => Node(i)));
        var without = View(whole.Nodes.Select(node => node.Id == Id(1) ? node with { Alive = false } : node));
        var lost = Enumerable.Range(1, 1000).Select(i => RepairPlannerTests.Replica(i, GiB / 64)).Where(replica => whole.Ring.Walk(replica.Name, 2).Contains(Id(1)))
            .Select(replica => new RepairCandidate(replica, [.. whole.Ring.Walk(replica.Name, 2).Select(node => new HeldCopy(node, false, true))], TimeSpan.FromDays(1))).ToList();
        var rules = new RepairRules(Rules.Placement, 2, TimeSpan.Zero, PullsPerTarget: 1000, PullsInTotal: 10_000);
        var plan = RepairPlanner.Plan(without, lost, [], Activity(), rules, inGrace: false);
        Assert.Equal(lost.Count, plan.Count);
        Assert.Contains(plan, pull => pull.Target != without.Ring.Walk(pull.Order.Replica.Name).First(node => node != pull.Order.Sources[0].Node));
        foreach (var pull in plan)
        {
            var movie = lost.Single(candidate => candidate.Replica == pull.Order.Replica);
            var surplus = new TrimCandidate(movie.Replica, [.. movie.Copies, new HeldCopy(pull.Target, false, true)], Rules.TrimGrace);
            var gone = Assert.NotNull(Judge(whole, surplus).Remove);
            HeldCopy[] left = [.. surplus.Copies.Where(copy => copy.Node != gone)];
            Assert.Equal(TrimVerdict.Nothing, Judge(whole, surplus with { Copies = left }));
            Assert.Empty(RepairPlanner.Plan(whole, [movie with { Copies = left }], [], Activity(), rules, inGrace: false));
        }
    }

    private static TrimVerdict Judge(ClusterView view, TrimCandidate candidate, bool inGrace = false) =>
        TrimPlanner.Judge(view, candidate, Activity(), Rules, inGrace);

    private static Dictionary<NodeId, NodeActivity> Activity() =>
        Enumerable.Range(1, 6).ToDictionary(Id, _ => new NodeActivity(0, TimeSpan.FromSeconds(4)));

    private static TrimCandidate Candidate(params int[] nodes) =>
        new(RepairPlannerTests.Replica(1), [.. nodes.Select(node => new HeldCopy(Id(node), Damaged: false, Verified: true))], TimeSpan.FromMinutes(10));
}
