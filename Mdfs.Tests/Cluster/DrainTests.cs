using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A worker is emptied before it leaves, and nobody misses a copy meanwhile (design, section 6).</summary>
public sealed class DrainTests
{
    private const int Movies = 6;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_drained_worker_ends_empty_also_over_a_restart_of_the_master_and_every_movie_keeps_its_copies()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3);
        var client = cluster.Client;
        var (name, path, held) = await StoreAsync(client);

        // What it would cost, and that asking costs nothing.
        var dry = await client.AdminAsync(HttpMethod.Post, path + "?dryRun=true", HttpStatusCode.OK, Cancelled);
        Assert.Equal(("none", held, held), (dry.GetProperty("state").GetString(), dry.GetProperty("movies").GetInt32(), dry.GetProperty("replicas").GetInt32()));
        Assert.Equal(0, dry.GetProperty("withoutRoom").GetInt32());
        Assert.Equal(Enumerable.Range(0, Movies).Where(i => Holds(cluster, name, i)).Sum(i => Movie(i).Length), dry.GetProperty("bytes").GetInt64());

        var begun = await client.AdminAsync(HttpMethod.Post, path, HttpStatusCode.Accepted, Cancelled);
        Assert.NotEqual("none", begun.GetProperty("state").GetString());
        await cluster.Cluster.Master.StopAsync(atOnce: true);
        await cluster.Cluster.Master.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        Assert.Equal(1, await client.MetricAsync("mdfs_draining_nodes", Cancelled));

        await Eventually.TrueAsync(
            async () => await client.AdminAsync(HttpMethod.Get, path, HttpStatusCode.OK, Cancelled) is var now && now.GetProperty("state").GetString() == "drained" && now.GetProperty("replicas").GetInt32() == 0,
            "the worker is empty", MdfsClient.Patience, Cancelled);
        Assert.Empty(cluster.ReplicaFiles(cluster.Worker(name)));
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_drain_bytes_to_go", Cancelled) == 0, "the metric says so", MdfsClient.Patience, Cancelled);
        for (var i = 0; i < Movies; i++)
        {
            var facts = await client.FactsAsync($"{i}.mp4", Cancelled);
            Assert.Equal(2, facts!.Copies);
            Assert.DoesNotContain(name, facts.Holders);
            await client.AssertHoldsAsync($"{i}.mp4", Movie(i), Cancelled);
        }

        // What comes now goes elsewhere; taken back, the worker takes movies again.
        Assert.Equal(2, await client.StoreAsync("later.mp4", Movie(9), Cancelled));
        Assert.Empty(cluster.ReplicaFiles(cluster.Worker(name)));
        await client.AdminAsync(HttpMethod.Delete, path, HttpStatusCode.NoContent, Cancelled);
        Assert.Equal("none", (await client.AdminAsync(HttpMethod.Get, path, HttpStatusCode.OK, Cancelled)).GetProperty("state").GetString());
        Assert.Equal(0, await client.MetricAsync("mdfs_draining_nodes", Cancelled));
    }

    [Fact]
    public async Task A_drain_is_paused_over_a_restart_of_the_master_and_goes_on()
    {
        // One copy at a time, each in half a second or more.
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3, ("Mdfs:Master:RepairConcurrency", "1"), ("Mdfs:Worker:RepairBytesPerSecond", "200000"), ("Mdfs:Master:NodeTimeout", "00:00:10"));
        var client = cluster.Client;
        var (name, path, _) = await StoreAsync(client);
        await client.AdminAsync(HttpMethod.Post, path + "/pause", HttpStatusCode.Conflict, Cancelled);
        // How long that takes at the limit is said beforehand.
        var slowly = await client.AdminAsync(HttpMethod.Post, path + "?dryRun=true&bytesPerSecond=80000", HttpStatusCode.OK, Cancelled);
        Assert.Equal(slowly.GetProperty("bytes").GetInt64() / 80_000.0, slowly.GetProperty("secondsAtLeast").GetDouble(), 0.1);
        Assert.Equal("none", slowly.GetProperty("state").GetString());
        await client.AdminAsync(HttpMethod.Post, path + "?bytesPerSecond=80000", HttpStatusCode.Accepted, Cancelled);
        Assert.Equal("paused", (await client.AdminAsync(HttpMethod.Post, path + "/pause", HttpStatusCode.Accepted, Cancelled)).GetProperty("state").GetString());
        await client.AdminAsync(HttpMethod.Post, path + "?bytesPerSecond=1", HttpStatusCode.BadRequest, Cancelled);
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_repairs_running", Cancelled) == 0, "what was begun is finished", MdfsClient.Patience, Cancelled);

        await cluster.Cluster.Master.StopAsync();
        await cluster.Cluster.Master.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 25, Cancelled);
        var waiting = await client.AdminAsync(HttpMethod.Get, path, HttpStatusCode.OK, Cancelled);
        Assert.Equal("paused", waiting.GetProperty("state").GetString());
        Assert.Equal(80_000, waiting.GetProperty("bytesPerSecond").GetInt64());
        Assert.InRange(waiting.GetProperty("movies").GetInt32(), 1, Movies);
        Assert.Equal(0, await client.MetricAsync("mdfs_repairs_total", Cancelled));
        // They lack copies, and that is wanted so.
        var lacking = await client.MetricAsync("mdfs_under_replicated_files", Cancelled);
        Assert.InRange(lacking, 1, Movies);
        Assert.Equal(lacking, await client.MetricAsync("mdfs_repairs_awaited", Cancelled));

        Assert.Equal(80_000, (await client.AdminAsync(HttpMethod.Post, path, HttpStatusCode.Accepted, Cancelled)).GetProperty("bytesPerSecond").GetInt64());
        Assert.Equal(0, (await client.AdminAsync(HttpMethod.Post, path + "?bytesPerSecond=0", HttpStatusCode.Accepted, Cancelled)).GetProperty("bytesPerSecond").GetInt64());
        await Eventually.TrueAsync(
            async () => await client.AdminAsync(HttpMethod.Get, path, HttpStatusCode.OK, Cancelled) is var now && now.GetProperty("state").GetString() == "drained", "the worker may leave", MdfsClient.Patience, Cancelled);
        for (var i = 0; i < Movies; i++) Assert.DoesNotContain(name, (await client.FactsAsync($"{i}.mp4", Cancelled))!.Holders);
    }

    [Fact]
    public async Task A_drain_that_would_leave_movies_with_too_few_copies_needs_force()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        var client = cluster.Client;
        var id = (await client.AdminAsync("api/nodes", Cancelled))[0].GetProperty("id").GetString();
        var refused = await client.AdminAsync(HttpMethod.Post, $"api/nodes/{id}/drain", HttpStatusCode.Conflict, Cancelled);
        Assert.Equal("urn:mdfs:problem:too-few-left", refused.GetProperty("type").GetString());
        await client.AdminAsync(HttpMethod.Post, $"api/nodes/{id}/drain?force=true", HttpStatusCode.Accepted, Cancelled);
        await client.AdminAsync(HttpMethod.Delete, $"api/nodes/{id}/drain", HttpStatusCode.NoContent, Cancelled);
        await client.AdminAsync(HttpMethod.Post, "api/nodes/nobody/drain", HttpStatusCode.NotFound, Cancelled);
    }

    /// <summary>All movies with all copies; and the worker that holds most, how many, and the path of its drain.</summary>
    private static async Task<(string Name, string Path, int Held)> StoreAsync(MdfsClient client)
    {
        for (var i = 0; i < Movies; i++) await client.StoreAsync($"{i}.mp4", Movie(i), Cancelled);
        await client.WaitForWholeAsync(Movies, Cancelled);
        var (node, held) = (await client.AdminAsync("api/nodes", Cancelled)).EnumerateArray()
            .Select(static facts => (Facts: facts, Replicas: facts.GetProperty("replicas").GetInt32())).MaxBy(static facts => facts.Replicas);
        return (node.GetProperty("name").GetString()!, $"api/nodes/{node.GetProperty("id").GetString()}/drain", held);
    }

    private static MovieBytes Movie(int number) => new((ulong)(50 + number), 100_000 + (1000 * number));

    private static bool Holds(TestCluster cluster, string name, int number) =>
        cluster.ReplicaFiles(cluster.Worker(name)).Any(file => new FileInfo(file).Length == Movie(number).Length);
}
