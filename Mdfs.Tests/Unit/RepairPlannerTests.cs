using System.Diagnostics;
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
    public void A_node_with_its_hands_full_holds_no_movie_back_that_another_can_take()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        var movie = Candidate(1, Copy(1));
        List<NodeId> walk = [.. view.Ring.Walk(movie.Replica.Name).Where(id => id != Id(1))];
        RunningPull[] busy = [new(new MovieVersion(8), walk[0]), new(new MovieVersion(9), walk[0])];
        Assert.Equal(walk[1], Assert.Single(RepairPlanner.Plan(view, [movie], busy, Idle, Rules, inGrace: false)).Target);
        // Nor does one that could be given more for later, but is not idle.
        Assert.Equal(walk[1], Assert.Single(RepairPlanner.Plan(view, [movie], busy, Idle, Rules with { PullsPerTarget = 34 }, inGrace: false)).Target);
        Assert.Equal(walk[0], Assert.Single(RepairPlanner.Plan(view, [movie], busy[..1], Idle, Rules, inGrace: false)).Target);
    }

    [Fact]
    public void Of_nodes_that_are_all_at_work_the_one_with_the_fewest_bytes_to_copy_gets_the_next()
    {
        var view = View(Node(1), Node(2), Node(3), Node(4));
        RunningPull[] busy = [.. from node in (int[])[2, 3, 4] from pull in (int[])[0, 1] select new RunningPull(new MovieVersion(80 + (10 * node) + pull), Id(node), BytesToGo: (5 - node) * GiB)];
        var rules = Rules with { PullsPerTarget = 34, PullsInTotal = 200 };
        for (var i = 1; i <= 20; i++) Assert.Equal(Id(4), Assert.Single(RepairPlanner.Plan(view, [Candidate(i, Copy(1))], busy, Idle, rules, inGrace: false)).Target);

        // Large movies and small ones: what counts are bytes.
        var movies = Enumerable.Range(1, 60).Select(i => Candidate(i, Copy(1)) with { Replica = Replica(i, i % 3 == 0 ? 8 * GiB : GiB) }).ToList();
        var bytes = RepairPlanner.Plan(view, movies, [], Idle, rules, inGrace: false).GroupBy(pull => pull.Target, pull => pull.Order.Replica.Size).Select(sizes => sizes.Sum()).ToList();
        Assert.Equal(200 * GiB, bytes.Sum());
        Assert.True(bytes.Count == 3 && bytes.Max() - bytes.Min() <= 8 * GiB, string.Join(' ', bytes.Select(sum => sum / GiB)));
    }

    [Fact]
    public void A_movie_waits_for_a_better_node_rather_than_going_to_a_worse_one_that_is_idle()
    {
        // Of the attic, where there is no copy yet, one node is busy; and of two in the cellar, where there is one, nobody does anything.
        var zones = View(Node(1, "cellar"), Node(2, "cellar"), Node(3, "attic"));
        RunningPull[] busy = [new(new MovieVersion(8), Id(3)), new(new MovieVersion(9), Id(3))];
        Assert.Empty(RepairPlanner.Plan(zones, [Candidate(1, Copy(1))], busy, Idle, Rules, inGrace: false));
        // A further copy, which has to be in the cellar, does not wait with it.
        Assert.Equal(Id(2), Assert.Single(RepairPlanner.Plan(zones, [Candidate(1, Copy(1))], busy, Idle, Rules with { ReplicationFactor = 3 }, inGrace: false)).Target);

        var overloaded = View(Node(1, used: 100 * GiB), Node(2, used: 400 * GiB), Node(3, used: 100 * GiB));
        Assert.Empty(RepairPlanner.Plan(overloaded, [Candidate(1, Copy(1))], busy, Idle, Rules, inGrace: false));
        // It is the only one left when the other cannot take the movie at all.
        Assert.Equal(Id(2), Assert.Single(RepairPlanner.Plan(overloaded, [Candidate(1, Copy(1)) with { Avoid = [Id(3)] }], busy, Idle, Rules, inGrace: false)).Target);
    }

    [Fact]
    public void Where_little_is_lost_it_goes_where_it_would_have_been_placed()
    {
        var view = View(Enumerable.Range(1, 6).Select(i => Node(i)));
        for (var i = 1; i <= 50; i++)
        {
            var movies = new[] { Candidate(i, Copy(1)), Candidate(i + 1000, Copy(2)) };
            var chosen = movies.Select(movie => Placement.Candidates(view, movie.Replica.Name, movie.Replica.Size, 1, Rules.Placement, holders: [movie.Copies[0].Node])[0].Id);
            Assert.Equal(chosen, RepairPlanner.Plan(view, movies, [], Idle, Rules with { PullsPerTarget = 34 }, inGrace: false).Select(pull => pull.Target));
        }
    }

    [Fact]
    public void A_node_lost_out_of_a_hundred_is_healed_by_all_the_others_alike()
    {
        // Every node is given little at a time, as it would be of many movies.
        var rules = Rules with { PullsPerTarget = 3, PullsInTotal = 1000 };
        var whole = View(Enumerable.Range(1, 100).Select(i => Node(i, used: 300 * GiB)));
        var view = View(whole.Nodes.Select(node => node.Id == Id(50) ? node with { Alive = false } : node));
        var movies = Enumerable.Range(1, 60_000).Select(i => Replica(i, GiB + (i % 4 * GiB))).ToDictionary(replica => replica, replica => whole.Ring.Walk(replica.Name, 2));
        var lacking = movies.Where(movie => movie.Value.Contains(Id(50))).Select(movie => Candidate(1, [.. movie.Value.Select(node => new HeldCopy(node, false, true))]) with { Replica = movie.Key }).ToList();
        var (received, lost) = (new Dictionary<NodeId, long>(), lacking.Sum(movie => movie.Replica.Size));
        while (lacking.Count > 0)
        {
            var plan = RepairPlanner.Plan(view, lacking, [], Idle, rules, inGrace: false);
            Assert.NotEmpty(plan);
            foreach (var pull in plan) received[pull.Target] = received.GetValueOrDefault(pull.Target) + pull.Order.Replica.Size;
            lacking.RemoveAll(movie => plan.Any(pull => pull.Order.Replica == movie.Replica));
        }

        Assert.Equal(lost, received.Values.Sum());
        Assert.InRange(received.Values.Max() / (lost / 99.0), 1, 1.5);
    }

    [Fact]
    public void What_only_a_drain_wants_is_copied_at_its_limit_and_after_all_that_lacks_a_copy()
    {
        var draining = Node(1) with { Draining = true, DrainBytesPerSecond = 10 << 20 };
        var view = View(draining, Node(2), Node(3), Node(4));
        var drained = Candidate(1, Copy(1), Copy(2));
        var lacking = Candidate(2, Copy(1));
        var damaged = Candidate(3, Copy(1), Copy(2, damaged: true));
        var plan = RepairPlanner.Plan(view, [drained, lacking, damaged], [], Idle, Rules with { PullsPerTarget = 9 }, inGrace: false);
        Assert.Equal([(2L, 0L), (2, 0), (3, 0), (3, 0), (1, 5 << 20)], plan.Select(pull => (pull.Order.Replica.Version.Number, pull.Order.BytesPerSecond)).OrderBy(pull => pull.BytesPerSecond).ThenBy(pull => pull.Number));
        Assert.Equal(1, plan[^1].Order.Replica.Version.Number);

        // Of two drains the slower one's, and without a limit none.
        var two = View(draining, Node(2) with { Draining = true, DrainBytesPerSecond = 4 << 20 }, Node(3), Node(4));
        Assert.All(RepairPlanner.Plan(two, [drained], [], Idle, Rules, inGrace: false), pull => Assert.Equal(2 << 20, pull.Order.BytesPerSecond));
        var free = View(draining with { DrainBytesPerSecond = 0 }, Node(2), Node(3), Node(4));
        Assert.Equal(0, Assert.Single(RepairPlanner.Plan(free, [drained], [], Idle, Rules, inGrace: false)).Order.BytesPerSecond);
        // A node that is gone has no copies: what it held lacks one, whatever limit its drain had.
        var gone = View(draining with { Alive = false }, Node(2), Node(3), Node(4));
        Assert.Equal(0, Assert.Single(RepairPlanner.Plan(gone, [drained], [], Idle, Rules, inGrace: false)).Order.BytesPerSecond);
    }

    [Fact]
    public void A_copy_beside_one_that_is_waited_for_is_the_drains_alone_and_a_drain_that_pauses_slows_nobody_else()
    {
        var draining = Node(1) with { Draining = true, DrainBytesPerSecond = 10 << 20 };
        // It has said goodbye, or has not come since the master did.
        var away = View(draining, Node(2) with { Alive = false, Expected = true }, Node(3), Node(4));
        Assert.Equal(5 << 20, BytesPerSecond(away, Candidate(1, Copy(1), Copy(2))));
        Assert.Equal(5 << 20, BytesPerSecond(away, Candidate(1, Copy(1)) with { Expected = [Id(2)] }));
        Assert.Equal(0, BytesPerSecond(away, Candidate(1, Copy(1))));

        var other = Node(2) with { Draining = true };
        var drained = Candidate(1, Copy(1), Copy(2));
        Assert.Equal(0, BytesPerSecond(View(draining with { DrainPaused = true }, other, Node(3), Node(4)), drained));
        Assert.Equal(20 << 20, BytesPerSecond(View(draining with { DrainPaused = true }, other with { DrainBytesPerSecond = 40 << 20 }, Node(3), Node(4)), drained));
        // What is under way when its drain pauses goes on as it did.
        Assert.Equal(10 << 20, DrainPace.Of(View(draining with { DrainPaused = true }, Node(2), Node(3)), drained, 2, begun: true));

        static long BytesPerSecond(ClusterView view, RepairCandidate candidate) =>
            RepairPlanner.Plan(view, [candidate], [], Idle, Rules, inGrace: false).Select(pull => pull.Order.BytesPerSecond).Distinct().Single();
    }

    [Fact]
    public void The_same_is_planned_in_whatever_order_the_nodes_registered()
    {
        var nodes = Enumerable.Range(1, 9).Select(i => Node(i, $"zone {i % 3}", used: i * 20 * GiB)).ToList();
        var movies = Enumerable.Range(1, 300).Select(i => Candidate(i, Copy(1 + (i % 9))) with { Replica = Replica(i, i * GiB / 100) }).ToList();
        var rules = Rules with { PullsPerTarget = 20, PullsInTotal = 150 };
        var plan = RepairPlanner.Plan(View(nodes), movies, [], Idle, rules, inGrace: false);
        Assert.Equal(150, plan.Count);
        Assert.Equal(
            plan.Select(pull => (pull.Target, pull.Order.Replica)),
            RepairPlanner.Plan(View(Enumerable.Reverse(nodes)), movies, [], Idle, rules, inGrace: false).Select(pull => (pull.Target, pull.Order.Replica)));
    }

    [Fact]
    public void A_node_that_alone_has_most_movies_is_not_asked_by_all_while_others_are_asked_by_nobody()
    {
        var view = View(Enumerable.Range(1, 10).Select(i => Node(i)));
        var movies = Enumerable.Range(1, 300).Select(i => Candidate(i, Copy(i <= 280 ? 1 : 2))).ToList();
        var plan = RepairPlanner.Plan(view, movies, [], Idle, Rules with { PullsInTotal = 100 }, inGrace: false);
        Assert.Equal([Id(1), Id(1), Id(2), Id(2)], plan.Take(4).Select(pull => pull.Order.Sources[0].Node));
        Assert.InRange(plan.Count(pull => pull.Order.Sources[0].Node == Id(2)), 8, 12);

        // What it sends already counts, and nobody is idle for its sake when others have nothing to send.
        RunningPull[] running = [new(new MovieVersion(901), Id(9), GiB, Source: Id(1)), new(new MovieVersion(902), Id(9), GiB, Source: Id(1))];
        Assert.Equal(Id(2), RepairPlanner.Plan(view, movies, running, Idle, Rules with { PullsInTotal = 100 }, inGrace: false)[0].Order.Sources[0].Node);
        Assert.Equal(18, RepairPlanner.Plan(view, movies[..280], [], Idle, Rules with { PullsInTotal = 100 }, inGrace: false).Count);
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
    public void Planning_for_a_hundred_thousand_movies_costs_little_also_when_most_have_to_wait()
    {
        // Half of the nodes are overloaded: they have places free to the end, and are asked for every movie in vain.
        var view = View(Enumerable.Range(1, 100).Select(i => Node(i, used: i % 2 == 0 ? 300 * GiB : 100 * GiB)));
        var movies = Enumerable.Range(1, 100_000).Select(i => Candidate(i, Copy(1 + (i % 100)))).ToList();
        var rules = Rules with { PullsPerTarget = 34, PullsInTotal = 3400 };
        Assert.Equal(50 * 34, RepairPlanner.Plan(view, movies, [], Idle, rules, inGrace: false).Count);

        // Side by side, since the machine may be busy: to place each anew would be twenty times the placing of one in twenty.
        var (planning, placing) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var run = 0; run < 3; run++)
        {
            var began = Stopwatch.GetTimestamp();
            RepairPlanner.Plan(view, movies, [], Idle, rules, inGrace: false);
            planning = new[] { planning, Stopwatch.GetElapsedTime(began) }.Min();
            began = Stopwatch.GetTimestamp();
            for (var i = 0; i < movies.Count; i += 20) Placement.Candidates(view, movies[i].Replica.Name, 1000, 1, rules.Placement, holders: [movies[i].Copies[0].Node]);
            placing = new[] { placing, Stopwatch.GetElapsedTime(began) }.Min();
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{planning.TotalMilliseconds:f0} ms, and {placing.TotalMilliseconds:f1} ms for placing one in twenty");
        Assert.True(planning < 20 * placing, $"Planning takes {planning}, placing one in twenty {placing}.");
    }

    internal static ReplicaDescription Replica(int version, long size = 1000)
    {
        Assert.True(UploadId.TryParse(version.ToString("x32", CultureInfo.InvariantCulture), out var upload));
        return new ReplicaDescription(
            FileName.Parse($"movie {version}.mkv"), new MovieVersion(version), size, new Checksum(7), DateTimeOffset.UnixEpoch, upload, "cluster");
    }

    [Fact]
    public void Nobody_waits_to_whom_a_plan_of_its_own_would_still_give_a_copy()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var dice = new Random(seed);
            // Six with room, some with more than their share, and some that have room for small movies only.
            var view = View(Enumerable.Range(1, 12).Select(number => Node(number, dice.Next(2) == 0 && seed % 2 == 0 ? $"zone {number % 3}" : null, used: (number <= 6 ? 100 : number <= 9 ? 400 : 511) * GiB)));
            var rules = Rules with { ReplicationFactor = dice.Next(2, 4), PullsPerTarget = dice.Next(1, 6), PullsInTotal = 10_000, RepairDelay = TimeSpan.FromMinutes(1) };
            List<RepairCandidate> movies =
            [
                .. Enumerable.Range(1, 150).Select(version => Candidate(version, [.. Enumerable.Range(1, 12).OrderBy(_ => dice.Next()).Take(dice.Next(1, 3)).Select(node => Copy(node, damaged: dice.Next(30) == 0))]) with
                {
                    // Some fit nowhere, some have lacked a copy for too short a time, some are being copied: that says nothing of others on the same nodes.
                    Replica = Replica(version) with { Size = dice.Next(8) switch { 0 => 600 * GiB, 1 or 2 => 2 * GiB, _ => 1000 } },
                    UnderReplicatedFor = TimeSpan.FromMinutes(dice.Next(5) == 0 ? 0 : 2),
                    Avoid = dice.Next(20) == 0 ? [Id(dice.Next(1, 13))] : null,
                }),
            ];
            List<RunningPull> before = [.. movies.Where(movie => dice.Next(30) == 0).Select(movie => new RunningPull(movie.Replica.Version, Id(dice.Next(1, 7)), 1000))];
            var plan = RepairPlanner.Plan(view, movies, before, Idle, rules, inGrace: false);
            Assert.NotEmpty(plan);
            List<RunningPull> running = [.. before, .. plan.Select(pull => new RunningPull(pull.Order.Replica.Version, pull.Target, pull.Order.Replica.Size, pull.Order.Sources[0].Node))];
            var promised = plan.Where(pull => movies.Find(movie => movie.Replica == pull.Order.Replica)!.Copies.All(copy => copy.Node != pull.Target)).ToLookup(pull => pull.Target, pull => pull.Order.Replica.Size);
            var after = View(view.Nodes.Select(node => node with { Pending = promised[node.Id].Sum() }));
            foreach (var movie in movies) Assert.Empty(RepairPlanner.Plan(after, [movie], running, Idle, rules, inGrace: false));
        }
    }

    private static HeldCopy Copy(int node, bool damaged = false) => new(Id(node), damaged, Verified: true);

    private static RepairCandidate Candidate(int version, params HeldCopy[] copies) => new(Replica(version), copies, TimeSpan.Zero);
}
