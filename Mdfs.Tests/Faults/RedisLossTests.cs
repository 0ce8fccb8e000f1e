using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;
using static Mdfs.Tests.Faults.RedisScenes;

namespace Mdfs.Tests.Faults;

/// <summary>Redis is wiped under a running master, or away (design, sections 2.6 and 2.7): what was acknowledged stands, and reading goes on.</summary>
public sealed class RedisLossTests
{
    [Fact]
    public async Task A_master_that_runs_writes_its_memory_into_a_Redis_that_was_wiped()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, redis: RedisKind.RedisServer, settings: Unhurried);
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
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: Unhurried);
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

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static async Task AssertRedisAwayAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal("urn:mdfs:problem:redis-away", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("type").GetString());
    }

    private static async Task<bool> WritableNowAsync(MdfsClient client) => (await client.AdminAsync("api/cluster", Cancelled)).GetProperty("writable").GetBoolean();
}
