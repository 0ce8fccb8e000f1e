using System.Net;
using System.Text.Json;
using Mdfs.Standalone;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>After a worker has joined, the others give it its share, and nobody misses a copy meanwhile (design, section 6).</summary>
public sealed class RebalanceTests
{
    private const int Movies = 24;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_joins_gets_its_share_also_over_a_pause_and_a_restart_of_the_master()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 4, ("Mdfs:Master:TrimGrace", "01:00:00"), ("Mdfs:Master:RebalanceConcurrency", "1"));
        var client = cluster.Client;
        var joining = await JoinAfterAsync(cluster, [.. Enumerable.Range(0, Movies).Select(Movie)]);

        // What it would do, and that asking does nothing.
        var dry = await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?dryRun=true", HttpStatusCode.OK, Cancelled);
        var (unavoidable, planned) = (dry.GetProperty("unavoidableBytes").GetInt64(), dry.GetProperty("movies").GetInt32());
        Assert.Equal("none", dry.GetProperty("state").GetString());
        Assert.InRange(dry.GetProperty("bytes").GetInt64(), 1, unavoidable);
        Assert.InRange(planned, 3, Movies);
        Assert.Empty(cluster.ReplicaFiles(joining));

        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?bytesPerSecond=5", HttpStatusCode.BadRequest, Cancelled);
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance/pause", HttpStatusCode.Conflict, Cancelled);
        // Slow enough to be met half-way: each movie takes most of a second.
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?bytesPerSecond=300000", HttpStatusCode.Accepted, Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("moviesMoved").GetInt32() >= 1, "the first movie has moved");
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance/pause", HttpStatusCode.Accepted, Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("running").GetInt32() == 0, "what was begun is finished");
        var paused = await cluster.Client.AdminAsync(HttpMethod.Get, "api/rebalance", HttpStatusCode.OK, Cancelled);
        Assert.InRange(paused.GetProperty("moviesMoved").GetInt32(), 1, planned - 1);

        await RestartMasterAsync(cluster);
        await WaitAsync(cluster, static now => now.GetProperty("state").GetString() == "paused", "it is remembered");
        Assert.Equal(paused.GetProperty("moviesMoved").GetInt32(), (await cluster.Client.AdminAsync(HttpMethod.Get, "api/rebalance", HttpStatusCode.OK, Cancelled)).GetProperty("moviesMoved").GetInt32());

        // Killed in the middle of moves: the next master knows which copies were to go.
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?bytesPerSecond=300000", HttpStatusCode.Accepted, Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("running").GetInt32() > 0, "further movies move");
        await AssertNothingHealsAsync(client);
        await RestartMasterAsync(cluster);
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?bytesPerSecond=0", HttpStatusCode.Accepted, Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("state").GetString() == "none", "it is over");
        var ended = await cluster.Client.AdminAsync(HttpMethod.Get, "api/rebalance", HttpStatusCode.OK, Cancelled);
        Assert.Equal(("finished", 0), (ended.GetProperty("ended").GetString(), ended.GetProperty("movies").GetInt32()));
        Assert.True(ended.GetProperty("moviesMoved").GetInt32() >= planned);
        Assert.InRange(ended.GetProperty("bytesMoved").GetInt64(), 1, unavoidable * 6 / 5);
        // A little may go to one of the others that has less than its share.
        var joined = cluster.ReplicaFiles(joining).Sum(static file => new FileInfo(file).Length);
        Assert.InRange(joined, unavoidable / 2, ended.GetProperty("bytesMoved").GetInt64());
        Assert.Equal(0, await client.MetricAsync("mdfs_rebalance_bytes_to_go", Cancelled));
        for (var i = 0; i < Movies; i++)
        {
            Assert.Equal(2, (await client.FactsAsync($"{i}.mp4", Cancelled))!.Copies);
            await client.AssertHoldsAsync($"{i}.mp4", Movie(i), Cancelled);
        }

        Assert.Equal(2 * Movies, cluster.Workers.Sum(worker => cluster.ReplicaFiles(worker).Count()));
    }

    [Fact]
    public async Task A_rebalance_is_cancelled_and_leaves_no_half_copies()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3);
        var client = cluster.Client;
        var joining = await JoinAfterAsync(cluster, [.. Enumerable.Range(0, 5).Select(static number => new MovieBytes((ulong)number, 2_000_000))]);

        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.StartsWith("no rebalance", (await mdfs.RunAsync("rebalance")).AssertEnded(0).Out);
        Assert.Equal("running", Assert.Single((await mdfs.RunAsync("rebalance", "start", "--limit", "131072", "--json")).AssertEnded(0).Json).GetProperty("state").GetString());
        await Eventually.TrueAsync(() => Incoming().Any(), "a copy is being made", MdfsClient.Patience, Cancelled);
        (await mdfs.RunAsync("rebalance", "cancel")).AssertEnded(0);
        await Eventually.TrueAsync(() => !Incoming().Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
        Assert.Equal(("none", "cancelled"), await StateAsync(cluster));
        Assert.Equal(10, cluster.Workers.Sum(worker => cluster.ReplicaFiles(worker).Count()));
        (await mdfs.RunAsync("rebalance", "pause")).AssertEnded(1);

        IEnumerable<string> Incoming() => Directory.EnumerateFiles(Path.Combine(cluster.Cluster.WorkerDirectory(joining), "incoming"));
    }

    [Fact]
    public async Task A_rebalance_that_waits_for_a_silent_worker_says_so()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 4);
        var client = cluster.Client;
        await JoinAfterAsync(cluster, [.. Enumerable.Range(0, 6).Select(static number => new MovieBytes((ulong)number, 2_000_000))]);
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/rebalance?bytesPerSecond=131072", HttpStatusCode.Accepted, Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("running").GetInt32() > 0 && !now.TryGetProperty("heldUp", out _), "it is under way");

        await cluster.Workers[0].StopAsync(atOnce: true);
        await WaitAsync(cluster, static now => now.TryGetProperty("heldUp", out var why) && why.GetString()!.StartsWith("Moves wait for worker-1,", StringComparison.Ordinal), "it says for whom it waits");
        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.Contains("\nMoves wait for worker-1, away", (await mdfs.RunAsync("rebalance")).AssertEnded(0).Out);

        await cluster.Workers[0].StartAsync(Cancelled);
        await WaitAsync(cluster, static now => now.GetProperty("state").GetString() == "running" && !now.TryGetProperty("heldUp", out _), "it waits no longer");
        await cluster.Client.AdminAsync(HttpMethod.Delete, "api/rebalance", HttpStatusCode.NoContent, Cancelled);
    }

    /// <summary>The last worker comes when all movies are stored, each with all its copies.</summary>
    private static async Task<StandaloneService> JoinAfterAsync(TestCluster cluster, IReadOnlyList<MovieBytes> movies)
    {
        var joining = cluster.Workers[^1];
        await joining.StopAsync();
        await cluster.Client.WaitForNodesAsync(cluster.Workers.Count - 1, Cancelled);
        for (var i = 0; i < movies.Count; i++) await cluster.Client.StoreAsync($"{i}.mp4", movies[i], Cancelled);
        await cluster.Client.WaitForWholeAsync(movies.Count, Cancelled);
        await joining.StartAsync(Cancelled);
        await cluster.Client.WaitForNodesAsync(cluster.Workers.Count, Cancelled);
        return joining;
    }

    /// <summary>Whoever looks for copies that lack is told of none while copies move: an alert stands on that.</summary>
    private static async Task AssertNothingHealsAsync(MdfsClient client)
    {
        Assert.Equal((0, 0), (await client.MetricAsync("mdfs_repairs_running", Cancelled), await client.MetricAsync("mdfs_repair_bytes_to_go", Cancelled)));
        var healing = (await client.AdminAsync("api/cluster", Cancelled)).GetProperty("healing");
        Assert.Equal((0, 0), (healing.GetProperty("running").GetInt32(), healing.GetProperty("bytesRemaining").GetInt64()));
    }

    private static async Task RestartMasterAsync(TestCluster cluster)
    {
        await cluster.Cluster.Master.StopAsync(atOnce: true);
        await cluster.Cluster.Master.StartAsync(Cancelled);
        await cluster.Client.WaitForNodesAsync(4, Cancelled);
    }

    private static async Task<(string?, string?)> StateAsync(TestCluster cluster)
    {
        var now = await cluster.Client.AdminAsync(HttpMethod.Get, "api/rebalance", HttpStatusCode.OK, Cancelled);
        return (now.GetProperty("state").GetString(), now.GetProperty("ended").GetString());
    }

    private static Task WaitAsync(TestCluster cluster, Func<JsonElement, bool> wanted, string what) => Eventually.TrueAsync(
        async () => wanted(await cluster.Client.AdminAsync(HttpMethod.Get, "api/rebalance", HttpStatusCode.OK, Cancelled)), what, MdfsClient.Patience, Cancelled);

    private static MovieBytes Movie(int number) => new((ulong)(70 + number), 200_000 + (1000 * number));
}
