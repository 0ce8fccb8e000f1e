using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A restart forgets nothing (design, section 2.6): the master's process is killed, and Redis loses everything.</summary>
public sealed class MasterLossTests
{
    [Theory]
    [InlineData(RedisKind.Garnet)]
    [InlineData(RedisKind.RedisServer)]
    public async Task A_killed_master_knows_all_before_any_worker_reports_and_a_wiped_Redis_is_filled_again_from_the_workers_but_for_what_was_deleted(RedisKind redis)
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, redis: redis);
        var before = await FillAsync(cluster);
        var clusterId = (await cluster.Client.AdminAsync("api/cluster", Cancelled)).GetProperty("clusterId").GetString();

        // Catalog, checksums and deletions.
        await KillAllAsync(cluster);
        await cluster.StartMasterAsync(Cancelled);
        Assert.Equal(0, await cluster.Client.MetricAsync("mdfs_active_nodes", Cancelled));
        await AssertKnownAsync(cluster, before);
        Assert.Equal(2, (await cluster.Client.AdminAsync("api/tombstones", Cancelled)).GetArrayLength());
        foreach (var worker in cluster.Workers)
            await worker.StartAsync();
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await cluster.Client.WaitForWholeAsync(before.Count, Cancelled);
        await AssertKnownAsync(cluster, before);
        await AssertPlayableAsync(cluster, before);

        await cluster.Master.KillAsync();
        await using (var connection = await cluster.ConnectRedisAsync())
            await connection.GetServers().Single().FlushAllDatabasesAsync();
        await cluster.StartMasterAsync(Cancelled);
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await cluster.Client.WaitForWholeAsync(before.Count, Cancelled);
        await cluster.Client.WaitForCatalogAsync(Cancelled);
        await AssertKnownAsync(cluster, before);
        await AssertPlayableAsync(cluster, before);
        Assert.Equal(clusterId, (await cluster.Client.AdminAsync("api/cluster", Cancelled)).GetProperty("clusterId").GetString());

        // And Redis holds it all again: the next master needs no worker for it.
        await KillAllAsync(cluster);
        await cluster.StartMasterAsync(Cancelled);
        await AssertKnownAsync(cluster, before);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>But for Redis.</summary>
    private static async Task KillAllAsync(ProcessCluster cluster)
    {
        await cluster.Master.KillAsync();
        foreach (var worker in cluster.Workers)
            await worker.KillAsync();
    }

    /// <summary>Eight movies that stay and two that are deleted; what the master says of the eight.</summary>
    private static async Task<Dictionary<string, (MovieBytes Bytes, MovieFacts Facts)>> FillAsync(ProcessCluster cluster)
    {
        var movies = new Dictionary<string, (MovieBytes Bytes, MovieFacts Facts)>();
        for (var number = 1; number <= 10; number++)
        {
            var movie = new MovieBytes((ulong)number, 100_000 + number);
            var name = number <= 8 ? $"stays {number}.mp4" : $"gone {number - 8}.mp4";
            Assert.Equal(2, await cluster.Client.StoreAsync(name, movie, Cancelled));
            if (number <= 8)
                movies[name] = (movie, (await cluster.Client.FactsAsync(name, Cancelled))!);
        }
        for (var number = 1; number <= 2; number++)
        {
            using var deleted = await cluster.Client.DeleteAsync($"gone {number}.mp4", Cancelled);
            Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        }
        // A young cluster says in Redis that more may come; a master that starts then asks the workers first, which is another story.
        await using (var connection = await cluster.ConnectRedisAsync())
            await Eventually.TrueAsync(async () => !await connection.GetDatabase().KeyExistsAsync("mdfs:restoring"), "Redis holds a complete catalog", MdfsClient.Patience, Cancelled);
        return movies;
    }

    private static async Task AssertKnownAsync(ProcessCluster cluster, Dictionary<string, (MovieBytes Bytes, MovieFacts Facts)> before)
    {
        var files = await cluster.Client.ListAsync(Cancelled);
        Assert.Equal(
            before.Values.Select(movie => (movie.Facts.Name, movie.Facts.Version, movie.Facts.Size, movie.Facts.Checksum, movie.Facts.ETag)).Order(),
            files.Select(file => (file.Name, file.Version, file.Size, file.Checksum, file.ETag)).Order());
        Assert.Null(await cluster.Client.FactsAsync("gone 1.mp4", Cancelled));
        Assert.Null(await cluster.Client.FactsAsync("gone 2.mp4", Cancelled));
    }

    private static async Task AssertPlayableAsync(ProcessCluster cluster, Dictionary<string, (MovieBytes Bytes, MovieFacts Facts)> before)
    {
        foreach (var (name, movie) in before)
            await cluster.Client.AssertHoldsAsync(name, movie.Bytes, Cancelled);
    }
}
