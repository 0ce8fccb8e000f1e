using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>Redis goes back to an older state, is wiped, or is away (design, sections 2.6 and 2.7): what was acknowledged stands.</summary>
public sealed class RedisRollbackTests
{
    [Theory]
    [InlineData(RedisKind.Garnet, false)]
    [InlineData(RedisKind.RedisServer, false)]
    [InlineData(RedisKind.Garnet, true)]
    [InlineData(RedisKind.RedisServer, true)]
    public async Task Acknowledged_uploads_overwrites_and_deletions_stand_when_Redis_goes_back_to_an_older_copy_of_its_data(RedisKind redis, bool masterRestarts)
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, redis: redis, settings: _unhurried);
        using var copy = new TempDirectory();
        await StoreAsync(cluster, "overwritten.mp4", 1);
        await StoreAsync(cluster, "deleted.mp4", 2);
        await StoreAsync(cluster, "again.mp4", 3);
        await StoreAsync(cluster, "untouched.mp4", 4);
        await StoreAsync(cluster, "gone before.mp4", 5);
        await DeleteAsync(cluster, "gone before.mp4");

        Assert.Equal(0, await cluster.Redis.StopAsync(Cancelled));
        Copy(cluster.RedisDirectory, copy["older"]);
        await cluster.Redis.StartAsync();
        await WritableAsync(cluster);
        // Another master in between: the one that meets the older state then draws an epoch that workers have heard before.
        if (masterRestarts) await RestartMasterAsync(cluster);

        await StoreAsync(cluster, "overwritten.mp4", 11);
        await DeleteAsync(cluster, "deleted.mp4");
        await DeleteAsync(cluster, "again.mp4");
        await StoreAsync(cluster, "again.mp4", 13);
        await StoreAsync(cluster, "fresh.mp4", 14);

        if (masterRestarts) await cluster.Master.KillAsync();
        await cluster.Redis.KillAsync();
        Directory.Delete(cluster.RedisDirectory, recursive: true);
        Copy(copy["older"], cluster.RedisDirectory);
        await cluster.Redis.StartAsync();
        if (masterRestarts) await cluster.StartMasterAsync(Cancelled);

        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await WritableAsync(cluster);
        await Eventually.TrueAsync(async () => await cluster.Client.MetricAsync("mdfs_rebuilding", Cancelled) == 0, "the catalog is complete", MdfsClient.Patience, Cancelled);
        if (!masterRestarts) Assert.True(await cluster.Client.MetricAsync("mdfs_redis_restores_total", Cancelled) >= 1);
        await Eventually.TrueAsync(async () => await NamesAsync(cluster) == Truth, "everything acknowledged is there again, and nothing else", MdfsClient.Patience, Cancelled);
        await AssertTruthAsync(cluster);
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        await AssertTruthAsync(cluster);
        await cluster.Client.WaitForWholeAsync(4, Cancelled);

        // And it stands in Redis: the next master knows it without any worker.
        foreach (var worker in cluster.Workers) await worker.KillAsync();
        await RestartMasterAsync(cluster);
        Assert.Equal(Truth, await NamesAsync(cluster));
        var buried = (await cluster.Client.AdminAsync("api/tombstones", Cancelled)).EnumerateArray().Select(tombstone => tombstone.GetProperty("name").GetString());
        Assert.Equal(["again.mp4", "deleted.mp4", "gone before.mp4"], buried.Where(name => name != Probe).Order(StringComparer.Ordinal));
        foreach (var worker in cluster.Workers) await worker.StartAsync();
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await AssertTruthAsync(cluster);
    }

    [Fact]
    public async Task A_master_that_runs_writes_its_memory_into_a_Redis_that_was_wiped()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, redis: RedisKind.RedisServer, settings: _unhurried);
        foreach (var seed in (ulong[])[1, 2, 3]) await StoreAsync(cluster, $"movie {seed}.mp4", seed);
        await DeleteAsync(cluster, "movie 3.mp4");
        await using (var connection = await cluster.ConnectRedisAsync())
            await connection.GetServers().Single().FlushAllDatabasesAsync();

        await Eventually.TrueAsync(async () => await cluster.Client.MetricAsync("mdfs_redis_restores_total", Cancelled) >= 1, "the memory is written back", MdfsClient.Patience, Cancelled);
        Assert.Equal("movie 1.mp4 movie 2.mp4", await NamesAsync(cluster));
        await StoreAsync(cluster, "movie 4.mp4", 4);

        foreach (var worker in cluster.Workers) await worker.KillAsync();
        await RestartMasterAsync(cluster);
        Assert.Equal("movie 1.mp4 movie 2.mp4 movie 4.mp4", await NamesAsync(cluster));
        Assert.Equal("movie 3.mp4", Assert.Single((await cluster.Client.AdminAsync("api/tombstones", Cancelled)).EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Without_Redis_uploads_and_deletions_are_refused_reading_goes_on_and_all_comes_back_by_itself()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, settings: _unhurried);
        var client = cluster.Client;
        await StoreAsync(cluster, "stays.mp4", 1);
        await cluster.Redis.KillAsync();
        await Eventually.TrueAsync(async () => !await WritableNowAsync(client), "the master notices", MdfsClient.Patience, Cancelled);

        using (var stored = await client.PutAsync("new.mp4", new ByteArrayContent(new MovieBytes(2, 1000).ToArray()), Cancelled))
            await AssertRedisAwayAsync(stored);
        using (var deleted = await client.DeleteAsync("stays.mp4", Cancelled))
            await AssertRedisAwayAsync(deleted);
        using (var classic = await client.PostFormAsync("new.mp4", new ByteArrayContent(new MovieBytes(2, 1000).ToArray()), Cancelled))
            AssertPlain(classic);
        using (var request = new HttpRequestMessage(HttpMethod.Get, "delete?name=stays.mp4") { Headers = { Authorization = client.Admin } })
        using (var classic = await client.Http.SendAsync(request, Cancelled))
            AssertPlain(classic);
        await client.AssertHoldsAsync("stays.mp4", Movie(1), Cancelled);
        Assert.Equal("stays.mp4", await NamesAsync(cluster));
        Assert.Equal([true, true], (await client.VerifyAsync("stays.mp4", Cancelled)).Select(verdict => verdict.Valid));
        Assert.Equal(0, await client.MetricAsync("mdfs_redis_up", Cancelled));

        await cluster.Redis.StartAsync();
        await WritableAsync(cluster);
        await StoreAsync(cluster, "new.mp4", 2);
        Assert.Equal(1, await client.MetricAsync("mdfs_redis_up", Cancelled));
        Assert.Equal("new.mp4 stays.mp4", await NamesAsync(cluster));
        await client.AssertHoldsAsync("stays.mp4", Movie(1), Cancelled);

        static void AssertPlain(HttpResponseMessage response)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        }
    }

    // No node dies here: one that is slow is not to be missed.
    private static readonly (string, string)[] _unhurried = [("Mdfs:Master:NodeTimeout", "00:00:05")];

    private const string Probe = "probe.mp4";

    private const string Truth = "again.mp4 fresh.mp4 overwritten.mp4 untouched.mp4";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static MovieBytes Movie(ulong seed) => new(seed, 100_000 + (long)seed);

    private static async Task AssertTruthAsync(ProcessCluster cluster)
    {
        Assert.Equal(Truth, await NamesAsync(cluster));
        foreach (var (name, seed) in ((string, ulong)[])[("overwritten.mp4", 11), ("again.mp4", 13), ("fresh.mp4", 14), ("untouched.mp4", 4)])
            await cluster.Client.AssertHoldsAsync(name, Movie(seed), Cancelled);
        Assert.Null(await cluster.Client.FactsAsync("deleted.mp4", Cancelled));
        Assert.Null(await cluster.Client.FactsAsync("gone before.mp4", Cancelled));
    }

    /// <summary>All names but that of the probe.</summary>
    private static async Task<string> NamesAsync(ProcessCluster cluster) =>
        string.Join(' ', (await cluster.Client.ListAsync(Cancelled)).Select(file => file.Name).Where(name => name != Probe));

    private static Task StoreAsync(ProcessCluster cluster, string name, ulong seed) => Patiently.StoreAsync(cluster.Client, name, Movie(seed), Cancelled);

    private static Task DeleteAsync(ProcessCluster cluster, string name) => Patiently.DeleteAsync(cluster.Client, name, Cancelled);

    private static async Task AssertRedisAwayAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal("urn:mdfs:problem:redis-away", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("type").GetString());
    }

    private static async Task<bool> WritableNowAsync(MdfsClient client) => (await client.AdminAsync("api/cluster", Cancelled)).GetProperty("writable").GetBoolean();

    /// <summary>Returns when a movie can be stored and deleted again.</summary>
    private static Task WritableAsync(ProcessCluster cluster) => Eventually.TrueAsync(
        async () =>
        {
            using var stored = await cluster.Client.PutAsync(Probe, new ByteArrayContent([1]), Cancelled);
            if (!stored.IsSuccessStatusCode) return false;
            using var deleted = await cluster.Client.DeleteAsync(Probe, Cancelled);
            return deleted.IsSuccessStatusCode;
        },
        "movies can be stored and deleted again", MdfsClient.Patience, Cancelled);

    private static async Task RestartMasterAsync(ProcessCluster cluster)
    {
        if (cluster.Master.IsRunning) await cluster.Master.KillAsync();
        await cluster.StartMasterAsync(Cancelled);
        if (cluster.Workers.All(worker => worker.IsRunning)) await cluster.Client.WaitForNodesAsync(3, Cancelled);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
