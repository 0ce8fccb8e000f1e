using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class DrainPlannerTests
{
    [Fact]
    public void What_has_enough_copies_elsewhere_is_not_copied()
    {
        var view = View(Node(1), Node(2), Node(3));
        Assert.Equal(new DrainPlan(1, 100, 0, 0), Plan(view, Movie(1, 100, 1, 2), Movie(2, 50, 1, 2, 3)));
    }

    [Fact]
    public void A_copy_on_a_dead_or_draining_node_or_a_damaged_one_is_none()
    {
        var view = View(Node(1), Node(2) with { Alive = false }, Node(3) with { Draining = true }, Node(4), Node(5));
        Assert.Equal(200, Plan(view, Movie(1, 100, 1, 2)).Bytes);
        Assert.Equal(200, Plan(view, Movie(1, 100, 1, 3)).Bytes);
    }

    [Fact]
    public void Where_too_few_nodes_would_be_left_it_says_how_many_copies_are_missed()
    {
        Assert.Equal(1, Plan(View(Node(1), Node(2)), Movie(1, 100, 1, 2)).Missed);
        Assert.Equal(0, Plan(View(Node(1), Node(2), Node(3)), Movie(1, 100, 1, 2)).Missed);
    }

    [Fact]
    public void Room_is_given_away_once()
    {
        var view = View(Node(1), Node(2), Node(3, capacity: 150));
        var plan = Plan(view, Movie(1, 100, 1, 2), Movie(2, 100, 1, 2));
        Assert.Equal((2, 200L, 1), (plan.Movies, plan.Bytes, plan.WithoutRoom));
    }

    [Fact]
    public void What_is_left_of_a_drain_under_way_is_seen_the_same_way()
    {
        var view = View(Node(1) with { Draining = true }, Node(2), Node(3));
        Assert.Equal(new DrainPlan(1, 100, 0, 0), Plan(view, Movie(1, 100, 1, 2), Movie(2, 100, 1, 2, 3)));
    }

    private static DrainPlan Plan(ClusterView view, params (ReplicaDescription, IReadOnlyList<HeldCopy>)[] movies) =>
        DrainPlanner.Plan(view, Id(1), movies, replicationFactor: 2, new PlacementRules());

    private static (ReplicaDescription, IReadOnlyList<HeldCopy>) Movie(int number, long size, params int[] holders)
    {
        var name = FileName.Parse(string.Create(CultureInfo.InvariantCulture, $"{number}.mp4"));
        return (
            new ReplicaDescription(name, new MovieVersion(number), size, new Checksum(1), DateTimeOffset.UnixEpoch, UploadId.New(), "cluster"),
            [.. holders.Select(holder => new HeldCopy(Id(holder), Damaged: false, Verified: true, Leaving: false))]);
    }
}
