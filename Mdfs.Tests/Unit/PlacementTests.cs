using System.Text.Json;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class PlacementTests
{
    private static readonly PlacementRules Rules = new();
    private static readonly FileName Movie = FileName.Parse("movie.mp4");

    [Fact]
    public void An_unloaded_cluster_places_as_the_original_did()
    {
        using var vectors = JsonDocument.Parse(typeof(PlacementTests).Assembly.GetManifestResourceStream("ring-placement.json")!);
        var placed = 0;
        foreach (var item in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            var view = View(item.GetProperty("nodes").EnumerateArray().Select((address, i) => Node(i, address: address.GetString())));
            foreach (var expected in item.GetProperty("placements").EnumerateObject())
            {
                var chosen = Placement.Candidates(view, FileName.Parse(expected.Name), 1000, 2, Rules).Take(2).Select(node => node.Address);
                Assert.Equal(expected.Value.EnumerateArray().Select(address => address.GetString()!), chosen);
                placed++;
            }
        }

        Assert.Equal(48, placed);
    }

    [Fact]
    public void The_order_in_which_nodes_registered_moves_nothing()
    {
        var nodes = Enumerable.Range(1, 7).Select(i => Node(i)).ToList();
        var reversed = Enumerable.Reverse(nodes).ToList();
        foreach (var name in Names(200))
            Assert.Equal(Order(View(nodes), name), Order(View(reversed), name));
    }

    [Fact]
    public void A_node_that_cannot_take_the_movie_is_never_chosen()
    {
        var nodes = Enumerable.Range(1, 5).Select(i => Node(i)).ToArray();
        nodes[0] = nodes[0] with { Draining = true };
        nodes[1] = nodes[1] with { ClosedForWrites = "Six replicas were found damaged within an hour." };
        nodes[2] = nodes[2] with { Space = new NodeSpace(512 * GiB, 10 * GiB, 0, 0), Pending = 9 * GiB };
        nodes[3] = nodes[3] with { Alive = false };
        foreach (var name in Names(50))
        {
            Assert.Equal([Id(5)], Placement.Candidates(View(nodes), name, 2 * GiB, 2, Rules).Select(node => node.Id));
            Assert.Equal([Id(3), Id(5)], Placement.Candidates(View(nodes), name, GiB, 2, Rules).Select(node => node.Id).Order());
        }
    }

    [Fact]
    public void A_node_without_a_free_byte_takes_not_even_a_movie_of_unknown_size() =>
        Assert.Empty(Placement.Candidates(View(Node(1) with { Space = new NodeSpace(GiB, 0, GiB, 0) }), Movie, 0, 2, Rules));

    [Fact]
    public void Where_too_few_have_room_by_the_view_those_with_most_are_asked_all_the_same()
    {
        var nodes = Enumerable.Range(1, 6).Select(i => Node(i) with { Space = new NodeSpace(512 * GiB, i * GiB, 0, 0), Pending = 6 * GiB }).ToArray();
        nodes[0] = nodes[0] with { Pending = 0 };
        nodes[4] = nodes[4] with { Draining = true };
        nodes[5] = nodes[5] with { Space = new NodeSpace(GiB / 2, GiB / 2, 0, 0) };
        Assert.Equal([Id(1)], Ask(least: 1));
        Assert.Equal([Id(1), Id(4), Id(3)], Ask(least: 2));
        nodes[0] = nodes[0] with { Alive = false };
        Assert.Equal([Id(4), Id(3)], Ask(least: 1));

        IEnumerable<NodeId> Ask(int least) => Placement.ToAsk(View(nodes), Movie, GiB, 2, least, Rules).Select(node => node.Id);
    }

    [Fact]
    public void Whom_to_ask_for_further_copies_depends_on_the_zones_of_those_that_are_there()
    {
        var view = View(Node(1, "z1"), Node(2, "z1"), Node(3, "z2"));
        foreach (var name in Names(50)) Assert.Equal([Id(3), Id(2)], Ask(view, name, least: 1));
        // Also where all are full.
        view = View(view.Nodes.Select(node => node with { Pending = node.Space.Free }));
        foreach (var name in Names(50)) Assert.Equal([Id(2), Id(3)], Ask(view, name, least: 2).Order());

        IEnumerable<NodeId> Ask(ClusterView view, FileName name, int least) => Placement.ToAsk(view, name, GiB, 2, least, Rules, [Id(1)]).Select(node => node.Id);
    }

    [Fact]
    public void A_cluster_without_nodes_has_no_candidates() => Assert.Empty(Placement.Candidates(ClusterView.Empty, Movie, 1, 2, Rules));

    [Fact]
    public void An_overloaded_node_comes_after_all_others_and_still_comes()
    {
        // Share of each 125 GiB; the first carries 200 GiB: 75 above its share and 60 % above the cluster's fill.
        var view = View(Node(1, used: 200 * GiB), Node(2, used: 100 * GiB), Node(3, used: 100 * GiB), Node(4, used: 100 * GiB));
        foreach (var name in Names(50))
        {
            var order = Order(view, name);
            Assert.Equal(4, order.Count);
            Assert.Equal(Id(1), order[^1]);
            Assert.Equal(Walk(view, name).Where(id => id != Id(1)), order.Take(3));
        }
    }

    [Theory]
    [InlineData(63, false)]
    [InlineData(65, true)]
    public void A_node_is_overloaded_only_more_than_the_floor_above_its_share(int aboveShare, bool overloaded)
    {
        // Equal capacities: with x more on one of four nodes the share rises by x/4.
        var view = View(Node(1, used: (100 * GiB) + (aboveShare * GiB * 4 / 3)), Node(2, used: 100 * GiB), Node(3, used: 100 * GiB), Node(4, used: 100 * GiB));
        Assert.Equal(overloaded, view.Fill.Overloads(view.Nodes[0], Rules));
    }

    [Fact]
    public void On_big_disks_the_factor_counts_and_not_the_floor()
    {
        // 5 % above the fill of 1000 GiB is within ε = 10 %, though well above the floor in bytes of a small one.
        var rules = new PlacementRules(LoadFloorBytes: 10 * GiB);
        var view = View(Node(1, used: 1050 * GiB, capacity: 4096 * GiB), Node(2, used: 950 * GiB, capacity: 4096 * GiB));
        Assert.False(view.Fill.Overloads(view.Nodes[0], rules));
        view = View(Node(1, used: 1150 * GiB, capacity: 4096 * GiB), Node(2, used: 850 * GiB, capacity: 4096 * GiB));
        Assert.True(view.Fill.Overloads(view.Nodes[0], rules));
    }

    [Fact]
    public void Load_is_measured_against_capacity_so_a_big_node_carries_more()
    {
        var view = View(
            Node(1, used: 800 * GiB, capacity: 4096 * GiB), Node(2, used: 200 * GiB, capacity: 1024 * GiB), Node(3, used: 200 * GiB, capacity: 1024 * GiB));
        foreach (var name in Names(50)) Assert.Equal(Walk(view, name), Order(view, name));
    }

    [Fact]
    public void Bytes_promised_and_in_flight_are_load()
    {
        var view = View(
            Node(1) with { Space = new NodeSpace(512 * GiB, 400 * GiB, 0, 60 * GiB), Pending = 60 * GiB }, Node(2), Node(3), Node(4));
        foreach (var name in Names(20)) Assert.Equal(Id(1), Order(view, name)[^1]);
    }

    [Fact]
    public void A_hundred_disks_of_one_to_four_parts_fill_alike()
    {
        const int Movies = 20_000;
        var rules = Rules with { LoadFloorBytes = 0 };
        var used = new long[100];
        var ring = View(Enumerable.Range(0, 100).Select(i => Node(i))).Ring;
        for (var movie = 0; movie < Movies;)
        {
            var view = new ClusterView([.. Enumerable.Range(0, 100).Select(i => Node(i) with { Space = new NodeSpace((1 + i % 4) * 200L * GiB, ((1 + i % 4) * 200L * GiB) - used[i], used[i], 0) })], ring);
            for (var next = 0; next < 20; next++, movie++)
                foreach (var node in Placement.Candidates(view, FileName.Parse($"film {movie}.mkv"), GiB / 2, 2, rules).Take(2)) used[int.Parse(node.Id.Value, System.Globalization.NumberStyles.HexNumber)] += GiB / 2;
        }

        var mean = used.Sum() / (250.0 * 200 * GiB);
        Assert.InRange(Enumerable.Range(0, 100).Max(i => used[i] / ((1 + i % 4) * 200.0 * GiB) / mean), 1, 1.15);
    }

    [Fact]
    public void Copies_go_to_distinct_zones_while_there_are_enough()
    {
        var view = View(Node(1, "cellar"), Node(2, "cellar"), Node(3, "cellar"), Node(4, "attic"), Node(5, "attic"));
        foreach (var name in Names(100))
        {
            var order = Placement.Candidates(view, name, 1, 3, Rules);
            Assert.Equal(2, order.Take(2).Select(node => node.Zone).Distinct().Count());
            Assert.Equal(Walk(view, name)[0], order[0].Id);
            Assert.Equal(5, order.Select(node => node.Id).Distinct().Count());
        }
    }

    [Fact]
    public void A_distinct_zone_outweighs_an_overload()
    {
        var view = View(Node(1, "attic", used: 300 * GiB), Node(2, "cellar"), Node(3, "cellar"), Node(4, "cellar"));
        foreach (var name in Names(50)) Assert.Equal(Id(1), Placement.Candidates(view, name, 1, 2, Rules)[1].Id);
    }

    [Fact]
    public void A_replacement_keeps_away_from_the_holders_and_their_zones_but_may_use_the_zone_of_a_node_that_refused()
    {
        var view = View(Node(1, "cellar"), Node(2, "cellar"), Node(3, "attic"), Node(4, "attic"));
        foreach (var name in Names(50))
        {
            var order = Placement.Candidates(view, name, 1, 1, Rules, holders: [Id(1)], exclude: [Id(3)]);
            Assert.Equal([Id(4), Id(2)], order.Select(node => node.Id));
        }
    }

    [Fact]
    public void What_is_kept_is_what_would_be_placed()
    {
        var random = new Random(20);
        for (var round = 0; round < 500; round++)
        {
            var view = View(Enumerable.Range(1, 6).Select(
                i => Node(i, random.Next(3) == 0 ? null : $"zone {random.Next(3)}", used: random.Next(1, 400) * GiB)));
            var name = FileName.Parse($"movie {round}.mkv");
            var placed = Placement.Candidates(view, name, 1, 2, Rules).Take(2).Select(node => node.Id);
            var kept = Placement.RankHolders(view, name, 2, Rules, [.. Enumerable.Range(1, 6).Select(Id)]).Take(2);
            Assert.Equal(placed, kept);
        }
    }

    [Fact]
    public void Holders_that_are_full_closed_draining_or_dead_are_kept_last_in_this_order()
    {
        var view = View(
            Node(1) with { Alive = false },
            Node(2) with { Draining = true },
            Node(3) with { Space = new NodeSpace(512 * GiB, 0, 0, 0) },
            Node(4, used: 300 * GiB),
            Node(5));
        foreach (var name in Names(50))
            Assert.Equal([Id(5), Id(4), Id(3), Id(2), Id(1)], Placement.RankHolders(view, name, 2, Rules, [Id(1), Id(2), Id(3), Id(4), Id(5)]));
    }

    [Fact]
    public void A_holder_that_nobody_knows_is_ranked_behind_all_others() =>
        Assert.Equal([Id(1), Id(99)], Placement.RankHolders(View(Node(1), Node(2)), Movie, 2, Rules, [Id(99), Id(1)]));

    private static IEnumerable<FileName> Names(int count) => Enumerable.Range(0, count).Select(i => FileName.Parse($"test_movie_{i:d4}.mp4"));

    private static List<NodeId> Walk(ClusterView view, FileName name) => [.. view.Ring.Walk(name)];

    private static List<NodeId> Order(ClusterView view, FileName name) => [.. Placement.Candidates(view, name, 1, 2, Rules).Select(node => node.Id)];
}
