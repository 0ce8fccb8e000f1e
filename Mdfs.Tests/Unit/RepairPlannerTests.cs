using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class RepairPlannerTests
{
    private static readonly RepairRules Rules = new(new PlacementRules(), ReplicationFactor: 2, TimeSpan.Zero);
    private static readonly Dictionary<NodeId, NodeActivity> Idle = [];

    [Fact]
    public void A_missing_copy_is_pulled_to_where_the_ring_wants_it_from_the_holder_with_the_fewest_streams()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        var activity = new Dictionary<NodeId, NodeActivity> { [Id(1)] = new(5, default), [Id(2)] = new(1, default) };
        var movie = Candidate(1, Copy(1), Copy(2));

        var pull = Assert.Single(RepairPlanner.Plan(view, [movie], [], activity, Rules with { ReplicationFactor = 3 }, inGrace: false));
        Assert.Equal(view.Ring.Walk(movie.Replica.Name).First(id => id != Id(1) && id != Id(2)), pull.Target);
        Assert.Equal([Id(2), Id(1)], pull.Order.Sources.Select(source => source.Node));
        Assert.Equal("http://worker2:8080", pull.Order.Sources[0].Address);
        Assert.Equal(movie.Replica, pull.Order.Replica);
    }

    [Fact]
    public void The_movies_with_the_fewest_copies_come_first()
    {
        var view = View(Enumerable.Range(1, 6).Select(i => Node(i)));
        var two = Candidate(1, Copy(1), Copy(2));
        var none = Candidate(2, Copy(1, damaged: true), Copy(2, damaged: true));
        var one = Candidate(3, Copy(1));
        var plan = RepairPlanner.Plan(view, [two, one, none], [], Idle, Rules with { ReplicationFactor = 3, PullsPerTarget = 100 }, inGrace: false);
        Assert.Equal([2, 3, 1], plan.Select(pull => pull.Order.Replica.Version.Number).Distinct());
    }

    [Fact]
    public void Nothing_is_missing_while_the_master_has_just_started() =>
        Assert.Empty(RepairPlanner.Plan(View(Node(1), Node(2)), [Candidate(1, Copy(1))], [], Idle, Rules, inGrace: true));

    [Fact]
    public void A_missing_copy_is_waited_for_but_damage_is_not()
    {
        var view = View(Node(1), Node(2), Node(3));
        var rules = Rules with { RepairDelay = TimeSpan.FromMinutes(5) };
        var missing = Candidate(1, Copy(1)) with { UnderReplicatedFor = TimeSpan.FromMinutes(4) };
        Assert.Empty(RepairPlanner.Plan(view, [missing], [], Idle, rules, inGrace: false));
        Assert.Single(RepairPlanner.Plan(view, [missing with { UnderReplicatedFor = rules.RepairDelay }], [], Idle, rules, inGrace: false));

        var damaged = Candidate(2, Copy(1), Copy(2, damaged: true)) with { UnderReplicatedFor = TimeSpan.Zero };
        Assert.Equal(Id(2), Assert.Single(RepairPlanner.Plan(view, [damaged], [], Idle, rules, inGrace: false)).Target);
    }

    [Fact]
    public void A_damaged_copy_is_healed_where_it_lies_from_a_good_one_first()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        var plan = RepairPlanner.Plan(
            view, [Candidate(1, Copy(3, damaged: true), Copy(1, damaged: true), Copy(2))], [], Idle, Rules with { ReplicationFactor = 2 }, inGrace: false);
        var pull = Assert.Single(plan);
        Assert.Equal(Id(3), pull.Target);
        Assert.Equal([Id(2), Id(1)], pull.Order.Sources.Select(source => source.Node));
    }

    [Fact]
    public void Two_damaged_copies_heal_one_another_and_one_alone_is_beyond_help()
    {
        var view = View(Node(1), Node(2), Node(3));
        var plan = RepairPlanner.Plan(view, [Candidate(1, Copy(1, damaged: true), Copy(2, damaged: true))], [], Idle, Rules, inGrace: false);
        Assert.Equal([(Id(1), Id(2)), (Id(2), Id(1))], plan.Select(pull => (pull.Target, pull.Order.Sources.Single().Node)));
        Assert.Empty(RepairPlanner.Plan(view, [Candidate(1, Copy(1, damaged: true))], [], Idle, Rules, inGrace: false));
    }

    [Fact]
    public void A_draining_node_is_a_source_and_its_copy_does_not_count()
    {
        var view = View(Node(1) with { Draining = true }, Node(2), Node(3));
        var plan = RepairPlanner.Plan(view, [Candidate(1, Copy(1), Copy(2))], [], Idle, Rules, inGrace: false);
        var pull = Assert.Single(plan);
        Assert.Equal(Id(3), pull.Target);
        Assert.Contains(Id(1), pull.Order.Sources.Select(source => source.Node));
    }

    [Fact]
    public void A_copy_that_is_about_to_be_removed_neither_counts_nor_serves()
    {
        var view = View(Node(1), Node(2), Node(3));
        var plan = RepairPlanner.Plan(view, [Candidate(1, Copy(1), Copy(2) with { Leaving = true })], [], Idle, Rules, inGrace: false);
        Assert.Equal((Id(3), Id(1)), plan.Select(pull => (pull.Target, pull.Order.Sources.Single().Node)).Single());
    }

    [Fact]
    public void A_copy_on_a_node_that_said_goodbye_a_moment_ago_is_neither_made_anew_nor_a_source()
    {
        var stopped = Node(2) with { Alive = false, Expected = true };
        Assert.Empty(RepairPlanner.Plan(View(Node(1), stopped, Node(3), Node(4)), [Candidate(1, Copy(1), Copy(2))], [], Idle, Rules, inGrace: false));

        // What lacks a copy beside the one that is coming back is healed meanwhile.
        var pull = Assert.Single(RepairPlanner.Plan(View(Node(1), stopped, Node(3), Node(4)), [Candidate(1, Copy(1), Copy(2))], [], Idle, Rules with { ReplicationFactor = 3 }, inGrace: false));
        Assert.Equal([Id(1)], pull.Order.Sources.Select(source => source.Node));
        Assert.Single(RepairPlanner.Plan(View(Node(1), stopped with { Expected = false }, Node(3), Node(4)), [Candidate(1, Copy(1), Copy(2))], [], Idle, Rules, inGrace: false));
    }

    [Fact]
    public void A_movie_whose_holders_are_all_dead_waits() =>
        Assert.Empty(RepairPlanner.Plan(View(Node(1) with { Alive = false }, Node(2), Node(3)), [Candidate(1, Copy(1))], [], Idle, Rules, inGrace: false));

    [Fact]
    public void What_is_already_being_pulled_is_not_pulled_again_unless_its_target_died()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4) with { Alive = false });
        var movie = Candidate(1, Copy(1));
        Assert.Empty(RepairPlanner.Plan(view, [movie], [new RunningPull(new MovieVersion(1), Id(3))], Idle, Rules, inGrace: false));
        Assert.Single(RepairPlanner.Plan(view, [movie], [new RunningPull(new MovieVersion(1), Id(4))], Idle, Rules, inGrace: false));
    }

    [Fact]
    public void Pulls_are_bounded_per_target_and_in_total()
    {
        var view = View(Enumerable.Range(1, 5).Select(i => Node(i)));
        var movies = Enumerable.Range(1, 500).Select(i => Candidate(i, Copy(1))).ToList();
        var plan = RepairPlanner.Plan(view, movies, [new RunningPull(new MovieVersion(9999), Id(2))], Idle, Rules, inGrace: false);
        var perTarget = plan.CountBy(pull => pull.Target).ToDictionary();
        Assert.Equal(1, perTarget[Id(2)]);
        Assert.All([Id(3), Id(4), Id(5)], id => Assert.Equal(2, perTarget[id]));

        Assert.Equal(4, RepairPlanner.Plan(
            view, movies, [new RunningPull(new MovieVersion(9999), Id(2))], Idle, Rules with { PullsInTotal = 5 }, inGrace: false).Count);
    }

    [Fact]
    public void A_movie_waits_for_the_node_the_ring_wants_rather_than_going_elsewhere()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        var movie = Candidate(1, Copy(1));
        var wanted = view.Ring.Walk(movie.Replica.Name).First(id => id != Id(1));
        RunningPull[] busy = [new(new MovieVersion(8), wanted), new(new MovieVersion(9), wanted)];
        Assert.Empty(RepairPlanner.Plan(view, [movie], busy, Idle, Rules, inGrace: false));
    }

    [Fact]
    public void A_node_on_which_the_pull_failed_is_avoided()
    {
        var view = View(Node(1), Node(2), Node(3));
        var movie = Candidate(1, Copy(1));
        var wanted = Assert.Single(RepairPlanner.Plan(view, [movie], [], Idle, Rules, inGrace: false)).Target;
        var other = Assert.Single(RepairPlanner.Plan(view, [movie with { Avoid = [wanted] }], [], Idle, Rules, inGrace: false)).Target;
        Assert.NotEqual(wanted, other);
    }

    [Fact]
    public void One_plan_does_not_promise_the_same_free_bytes_twice()
    {
        // Room for one gibibyte-sized movie on the second node, and for many on the third.
        var view = View(Node(1), Node(2) with { Space = new NodeSpace(512 * GiB, GiB + 5, 0, 0) }, Node(3));
        var movies = Enumerable.Range(1, 40).Select(i => Candidate(i, Copy(1)) with { Replica = Replica(i, GiB) }).ToList();
        var plan = RepairPlanner.Plan(view, movies, [], Idle, Rules with { PullsPerTarget = 40, PullsInTotal = 40 }, inGrace: false);
        Assert.Equal(40, plan.Count);
        Assert.Single(plan, pull => pull.Target == Id(2));
    }

    [Fact]
    public void Targets_keep_to_zones_without_a_counted_copy()
    {
        var view = View(Node(1, "cellar"), Node(2, "cellar"), Node(3, "attic"), Node(4, "attic") with { Draining = true });
        for (var i = 1; i <= 50; i++)
            Assert.Equal(Id(3), Assert.Single(RepairPlanner.Plan(view, [Candidate(i, Copy(1), Copy(4))], [], Idle, Rules, inGrace: false)).Target);
    }

    [Fact]
    public void The_goal_is_one_copy_on_every_registered_node_where_there_are_fewer_than_wanted()
    {
        Assert.Equal(1, CopyGoal.Of(2, View(Node(1))));
        Assert.Equal(2, CopyGoal.Of(3, View(Node(1), Node(2) with { Alive = false })));
        Assert.Equal(2, CopyGoal.Of(3, View(Node(1), Node(2), Node(3) with { Draining = true })));
        Assert.Equal(1, CopyGoal.Of(3, View(Node(1) with { Draining = true })));
        Assert.Empty(RepairPlanner.Plan(View(Node(1)), [Candidate(1, Copy(1))], [], Idle, Rules, inGrace: false));
    }

    [Fact]
    public void Planning_for_a_hundred_thousand_movies_looks_at_each_once()
    {
        var view = View(Enumerable.Range(1, 30).Select(i => Node(i)));
        var movies = Enumerable.Range(1, 100_000).Select(i => Candidate(i, Copy(1 + (i % 30)))).ToList();
        var started = TimeProvider.System.GetTimestamp();
        var plan = RepairPlanner.Plan(view, movies, [], Idle, Rules, inGrace: false);
        var took = TimeProvider.System.GetElapsedTime(started);
        Assert.Equal(16, plan.Count);
        Assert.True(took < TimeSpan.FromSeconds(2), $"took {took.TotalMilliseconds:f0} ms");
    }

    internal static ReplicaDescription Replica(int version, long size = 1000)
    {
        Assert.True(UploadId.TryParse(version.ToString("x32", CultureInfo.InvariantCulture), out var upload));
        return new ReplicaDescription(
            FileName.Parse($"movie {version}.mkv"), new MovieVersion(version), size, new Checksum(7), DateTimeOffset.UnixEpoch, upload, "cluster");
    }

    private static HeldCopy Copy(int node, bool damaged = false) => new(Id(node), damaged, Verified: true);

    private static RepairCandidate Candidate(int version, params HeldCopy[] copies) => new(Replica(version), copies, TimeSpan.Zero);
}
