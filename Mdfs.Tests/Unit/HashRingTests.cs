using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class HashRingTests
{
    [Fact]
    public void A_walk_meets_every_node_once()
    {
        var ring = HashRing.Build(Enumerable.Range(1, 9).Select(i => (Id(i), $"http://10.0.0.{i}:8081")), 10);
        Assert.Equal(90, ring.Size);
        for (var i = 0; i < 300; i++)
            Assert.Equal(Enumerable.Range(1, 9).Select(Id), ring.Walk(FileName.Parse($"{i}.mkv")).Order());
    }

    [Fact]
    public void A_node_that_joins_takes_names_and_moves_none_between_the_others()
    {
        var before = HashRing.Build(Enumerable.Range(1, 8).Select(i => (Id(i), $"http://10.0.0.{i}:8081")), 10);
        var after = HashRing.Build(Enumerable.Range(1, 9).Select(i => (Id(i), $"http://10.0.0.{i}:8081")), 10);
        var moved = 0;
        for (var i = 0; i < 2000; i++)
        {
            var name = FileName.Parse($"{i}.mkv");
            Assert.Equal(before.Walk(name), after.Walk(name).Where(node => node != Id(9)));
            if (after.Walk(name).First() == Id(9)) moved++;
        }

        Assert.InRange(moved, 1, 600);
    }

    [Fact]
    public void A_walk_that_ends_early_is_the_beginning_of_the_whole_one()
    {
        var ring = HashRing.Build(Enumerable.Range(1, 40).Select(i => (Id(i), $"http://10.0.0.{i}:8081")), 10);
        var places = new int[3];
        for (var i = 0; i < 300; i++)
        {
            var name = FileName.Parse($"{i}.mkv");
            ring.Walk(name, places);
            Assert.Equal(ring.Walk(name).Take(3), places.Select(place => ring.Members[place]));
            Assert.Equal(ring.Walk(name).Take(3), ring.Walk(name, 3));
        }
    }

    [Fact]
    public void An_empty_ring_leads_nowhere() => Assert.Empty(HashRing.Empty.Walk(FileName.Parse("a.mkv")));
}
