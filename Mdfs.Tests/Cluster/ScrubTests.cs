using System.Net;
using System.Text.Json;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;

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
        BitRot.Flip(sick, 700_000);

        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/start"));
        await Eventually.TrueAsync(
            async () => await ScrubAsync(cluster) is var workers && workers.Sum(worker => worker.Found) == 1 && workers.Sum(worker => worker.Healed) == 1, "it is found and healed", MdfsClient.Patience, Cancelled);
        Assert.All(await cluster.Client.VerifyAsync("film.mp4", Cancelled), verdict => Assert.True(verdict.Valid));
        Assert.Equal(Movie.ToArray(), await File.ReadAllBytesAsync(sick, Cancelled));
        // Planted rot was healed as well.
        await Eventually.TrueAsync(async () => await cluster.Client.MetricAsync("mdfs_scrub_canaries_sick", Cancelled) == 0, "planted rot is healed", MdfsClient.Patience, Cancelled);
        Assert.InRange(await cluster.Client.MetricAsync("mdfs_scrub_canary_seconds", Cancelled), 0, 120);
        Assert.InRange(await cluster.Client.MetricAsync("mdfs_scrub_oldest_seconds", Cancelled), 0, 120);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whether_a_worker_goes_past_the_page_cache_is_told_and_either_way_finds_rot(bool direct)
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, ("Mdfs:Worker:DirectIo", $"{direct}"));
        Assert.Equal(1, await cluster.Client.StoreAsync("film.mp4", Movie, Cancelled));
        var file = cluster.ReplicaFiles(cluster.Workers[0]).Single();
        using (var open = File.OpenHandle(file))
        using (var again = DirectFile.TryReopen(open, write: false))
        {
            using var worker = new MdfsClient(cluster.Workers[0].Address, TestCluster.AdminKey);
            Assert.Equal(direct && again is not null ? 1 : 0, await worker.MetricAsync("mdfs_worker_direct_io", Cancelled));
        }

        await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).All(worker => worker.State == "resting"), "the first round is over", MdfsClient.Patience, Cancelled);
        BitRot.Flip(file, 1_400_000);
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/start"));
        await Eventually.TrueAsync(async () => await ScrubAsync(cluster) is [{ Found: 1 }], "it is found", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task What_the_disk_says_of_a_replica_is_looked_at_and_mended()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1);
        await cluster.Client.StoreAsync("film.mp4", Movie, Cancelled);
        await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).All(worker => worker.State == "resting"), "the first round is over", MdfsClient.Patience, Cancelled);
        var replica = cluster.ReplicaFiles(cluster.Worker("worker-1")).Single();
        var found = 0;
        foreach (var (sidecar, place) in ((string, int)[])[(".checksum", 40), (".blocks", 30)])
        {
            var file = replica + sidecar;
            var whole = await File.ReadAllBytesAsync(file, Cancelled);
            BitRot.Flip(file, place);

            Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, "api/scrub/start"));
            await Eventually.TrueAsync(async () => (await File.ReadAllBytesAsync(file, Cancelled)).AsSpan().SequenceEqual(whole), $"{sidecar} says what it said", MdfsClient.Patience, Cancelled);
            found++;
            await Eventually.TrueAsync(
                async () => await ScrubAsync(cluster) is [var worker] && (worker.Found, worker.Healed) == (found, found), "it was counted", MdfsClient.Patience, Cancelled);
            Assert.All(await cluster.Client.VerifyAsync("film.mp4", Cancelled), verdict => Assert.True(verdict.Valid));
            await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).All(static worker => worker.State == "resting"), "the round is over", MdfsClient.Patience, Cancelled);
        }
    }

    [Fact]
    public async Task Planted_rot_is_healed_over_the_network_and_stays_sick_while_nobody_can_be_reached()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        var client = cluster.Client;
        await Eventually.TrueAsync(
            async () => await SumAsync("mdfs_worker_pulls_total{", "good") >= 2 && await client.MetricAsync("mdfs_scrub_canaries_sick", Cancelled) == 0, "both have healed theirs", MdfsClient.Patience, Cancelled);
        var canaries = cluster.Workers.Select(worker => File.ReadAllBytes(Path.Combine(cluster.Cluster.WorkerDirectory(worker), "canary"))).ToList();
        Assert.Equal(canaries[0], canaries[1]);

        // The other one's cannot be read: it is found, told, and not healed, until it can.
        var other = Path.Combine(cluster.Cluster.WorkerDirectory(cluster.Workers[1]), "canary");
        var whole = await File.ReadAllBytesAsync(other, Cancelled);
        for (var block = 0; block < whole.Length; block += 65536) BitRot.Flip(other, block + 2000);
        var first = (await ScrubAsync(cluster))[0];
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(cluster, $"api/scrub/start?node={first.Id}"));
        await Eventually.TrueAsync(async () => await SumAsync("mdfs_worker_pulls_total{", "failed") >= 1, "an attempt has failed", MdfsClient.Patience, Cancelled);
        Assert.Equal(1, await client.MetricAsync("mdfs_scrub_canaries_sick", Cancelled));
        await File.WriteAllBytesAsync(other, whole, Cancelled);
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_scrub_canaries_sick", Cancelled) == 0, "it is healed", MdfsClient.Patience, Cancelled);
        Assert.Equal(whole, await File.ReadAllBytesAsync(Path.Combine(cluster.Cluster.WorkerDirectory(cluster.Workers[0]), "planted"), Cancelled));

        async Task<double> SumAsync(string metric, string result)
        {
            var sum = 0.0;
            foreach (var worker in cluster.Workers)
            {
                foreach (var line in (await client.Http.GetStringAsync(new Uri(worker.Address, "metrics"), Cancelled)).Split('\n'))
                    if (line.StartsWith(metric, StringComparison.Ordinal) && line.Contains(result, StringComparison.Ordinal)) sum += double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
            }

            return sum;
        }
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
