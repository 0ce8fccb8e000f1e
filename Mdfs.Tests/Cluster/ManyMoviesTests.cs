using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Many small movies at once (design, sections 3 and 4).</summary>
public sealed class ManyMoviesTests
{
    [Fact]
    public async Task Two_hundred_movies_sent_eight_at_a_time_have_two_verified_copies_each_where_the_ring_says()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled);
        var movies = Enumerable.Range(0, 200).ToDictionary(number => $"movie {number:000}.mkv", number => new MovieBytes((ulong)number, 1 + (number * 1_237)));

        await Parallel.ForEachAsync(movies, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancelled }, async (movie, cancelled) =>
            Assert.Equal(2, await cluster.Client.StoreAsync(movie.Key, movie.Value, cancelled)));

        Assert.Equal(200, await cluster.Client.MetricAsync("mdfs_total_files", Cancelled));
        Assert.Equal(0, await cluster.Client.MetricAsync("mdfs_under_replicated_files", Cancelled));
        Assert.Equal(400, cluster.Workers.Sum(worker => cluster.ReplicaFiles(worker).Count()));

        var ring = HashRing.Build(cluster.Workers.Select((worker, number) => (Id(number), worker.Name)), 10);
        var names = cluster.Workers.Select((worker, number) => (Id: Id(number), worker.Name)).ToDictionary(node => node.Id, node => node.Name);
        var files = await cluster.Client.ListAsync(Cancelled);
        Assert.Equal(movies.Keys.Order(StringComparer.Ordinal), files.Select(file => file.Name));
        Assert.All(files, file => Assert.Equal(ring.Walk(Name(file.Name)).Take(2).Select(id => names[id]).Order(), file.Holders));

        foreach (var (name, movie) in movies)
        {
            Assert.Equal([true, true], (await cluster.Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
            await cluster.Client.AssertHoldsAsync(name, movie, Cancelled);
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static NodeId Id(int number) => NodeId.Parse($"{number:x32}");

    private static FileName Name(string text) => FileName.TryParse(text, out var name, out var why) ? name : throw new InvalidOperationException(why);
}
