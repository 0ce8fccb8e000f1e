using System.Net;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Rot that nobody reads is found and healed, and an admin starts, pauses and watches it (design, section 6).</summary>
public sealed class ScrubTests
{
    private static readonly MovieBytes Movie = new(12, 1_500_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rot_is_found_and_its_block_is_healed_from_another_worker()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        Assert.Equal(2, await cluster.Client.StoreAsync("film.mp4", Movie, Cancelled));
        await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).All(worker => worker.State == "resting"), "the first round is over", MdfsClient.Patience, Cancelled);
        var sick = cluster.ReplicaFiles(cluster.Worker("worker-1")).Single();
        WorkerNode.Flip(sick, 700_000);

        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/start"));
        await Eventually.TrueAsync(
            async () => await ScrubAsync(cluster) is var workers && workers.Sum(worker => worker.Found) == 1 && workers.Sum(worker => worker.Healed) == 1, "it is found and healed", MdfsClient.Patience, Cancelled);
        Assert.All(await cluster.Client.VerifyAsync("film.mp4", Cancelled), verdict => Assert.True(verdict.Valid));
        Assert.Equal(Movie.ToArray(), await File.ReadAllBytesAsync(sick, Cancelled));
        Assert.InRange(await cluster.Client.MetricAsync("mdfs_scrub_canary_seconds", Cancelled), 0, 120);
        Assert.InRange(await cluster.Client.MetricAsync("mdfs_scrub_oldest_seconds", Cancelled), 0, 120);
    }

    [Fact]
    public async Task It_is_paused_on_one_worker_or_on_all_and_started_again()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        var first = (await ScrubAsync(cluster))[0];
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, $"api/scrub/pause?node={first.Id}"));
        await WaitAsync("paused", 1);
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/pause"));
        await WaitAsync("paused", 2);
        Assert.Equal(2, await cluster.Client.MetricAsync("mdfs_scrub_paused_nodes", Cancelled));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/start"));
        await WaitAsync("resting", 2);

        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(cluster, "api/scrub/pause?node=nobody"));
        await cluster.Worker("worker-2").StopAsync();
        await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).Any(worker => worker.State == "unknown"), "it is silent", MdfsClient.Patience, Cancelled);
        var silent = (await ScrubAsync(cluster)).Single(worker => worker.State == "unknown");
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(cluster, $"api/scrub/start?node={silent.Id}"));

        Task WaitAsync(string state, int count) => Eventually.TrueAsync(
            async () => (await ScrubAsync(cluster)).Count(worker => worker.State == state) == count, $"{count} are {state}", MdfsClient.Patience, Cancelled);
    }

    private static async Task<List<(string Id, string State, long Found, long Healed)>> ScrubAsync(TestCluster cluster) =>
        [.. (await cluster.Client.AdminAsync("api/scrub", Cancelled)).EnumerateArray().Select(static worker => (
            worker.GetProperty("id").GetString()!, worker.GetProperty("state").GetString()!, worker.GetProperty("rotFound").GetInt64(), worker.GetProperty("rotHealed").GetInt64()))];

    private static async Task<HttpStatusCode> PostAsync(TestCluster cluster, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = cluster.Client.Admin;
        using var response = await cluster.Client.Http.SendAsync(request, Cancelled);
        return response.StatusCode;
    }
}
