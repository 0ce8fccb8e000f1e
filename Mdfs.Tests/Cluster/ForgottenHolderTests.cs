using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A worker that is forgotten is waited for by no movie any more (design, sections 4 and 6).</summary>
public sealed class ForgottenHolderTests
{
    private static readonly MovieBytes Older = new(61, 150_000);
    private static readonly MovieBytes Newer = new(62, 160_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_version_that_only_the_forgotten_worker_had_yields_to_the_older_one_that_is_still_there()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3);
        var client = cluster.Client;
        var burning = cluster.Workers[2];
        await burning.StopAsync();
        await client.WaitForNodesAsync(2, Cancelled);
        Assert.Equal(2, await client.StoreAsync("film.mp4", Older, Cancelled));
        await burning.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);

        foreach (var worker in cluster.Workers.Take(2)) await worker.StopAsync(atOnce: true);
        await client.WaitForNodesAsync(1, Cancelled);
        Assert.Equal(1, await client.StoreAsync("film.mp4", Newer, Cancelled));
        await burning.StopAsync(atOnce: true);
        await client.WaitForNodesAsync(0, Cancelled);
        foreach (var worker in cluster.Workers.Take(2)) await worker.StartAsync(Cancelled);
        await client.WaitForNodesAsync(2, Cancelled);

        var path = $"api/nodes/{(await client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(node => node.GetProperty("name").GetString() == burning.Name).GetProperty("id").GetString()}";
        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await client.Http.GetAsync(MdfsClient.DownloadPath("film.mp4"), Cancelled);
                return response.StatusCode == HttpStatusCode.BadGateway;
            },
            "nobody who is there has it", MdfsClient.Patience, Cancelled);
        Assert.Equal("urn:mdfs:problem:last-copies", (await client.AdminAsync(HttpMethod.Delete, path, HttpStatusCode.Conflict, Cancelled)).GetProperty("type").GetString());
        Assert.Equal(0, await client.MetricAsync("mdfs_versions_lost_total", Cancelled));
        await client.AdminAsync(HttpMethod.Delete, path + "?force=true", HttpStatusCode.NoContent, Cancelled);

        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_versions_lost_total", Cancelled) == 1, "the older one has taken its place", MdfsClient.Patience, Cancelled);
        await client.AssertHoldsAsync("film.mp4", Older, Cancelled);
        Assert.Equal(2, (await client.FactsAsync("film.mp4", Cancelled))!.Copies);
    }
}
