using System.Net;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Disks that are not mounted and clocks that are wrong (design, sections 1, 2.7 and 8): noticed, said, and harmless.</summary>
public sealed class IdentityAndTimeTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_whose_disk_is_not_mounted_is_refused_until_it_is_or_an_admin_says_that_it_is_gone()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3);
        var client = cluster.Client;
        var movie = new MovieBytes(1, 300_000);
        for (var i = 0; i < 4; i++) await client.StoreAsync($"{i}.mp4", movie, Cancelled);
        await client.WaitForWholeAsync(4, Cancelled);
        var worker = cluster.Workers[0];
        var (directory, aside) = (cluster.Cluster.WorkerDirectory(worker), cluster.Cluster.WorkerDirectory(worker) + ".unmounted");
        await worker.StopAsync(atOnce: true);
        Directory.Move(directory, aside);
        await client.WaitForNodesAsync(2, Cancelled);
        await worker.StartAsync(Cancelled);
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_nodes_refused", Cancelled) == 1, "it is refused", MdfsClient.Patience, Cancelled);
        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.Contains("not mounted", (await mdfs.RunAsync("nodes")).AssertEnded(0).Error);
        using (var http = new HttpClient { BaseAddress = worker.Address })
        using (var health = await http.GetAsync("health", Cancelled)) Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        await client.AssertHoldsAsync("0.mp4", movie, Cancelled);

        // Mounted again, it is who it was.
        await worker.StopAsync(atOnce: true);
        Directory.Delete(directory, recursive: true);
        Directory.Move(aside, directory);
        await worker.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        await client.WaitForWholeAsync(4, Cancelled);

        // Gone for good: confirmed, the new one is filled.
        await worker.StopAsync(atOnce: true);
        Directory.Delete(directory, recursive: true);
        await client.WaitForNodesAsync(2, Cancelled);
        await worker.StartAsync(Cancelled);
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_nodes_refused", Cancelled) == 1, "it is refused", MdfsClient.Patience, Cancelled);
        (await mdfs.RunAsync("nodes", "confirm", "worker-1")).AssertEnded(0);
        await client.WaitForNodesAsync(3, Cancelled);
        await client.WaitForWholeAsync(4, Cancelled);
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_nodes_refused", Cancelled) == 0, "nobody is refused any more", MdfsClient.Patience, Cancelled);
        (await mdfs.RunAsync("nodes", "confirm", "worker-1")).AssertEnded(5);
    }

    [Fact]
    public async Task Clocks_that_are_an_hour_off_are_told_and_harm_nothing()
    {
        await using var cluster = await TestCluster.StartAsync(
            Cancelled, 3,
            static (service, builder) =>
            {
                if (service == "worker-1") builder.Services.AddSingleton<TimeProvider>(new ShiftedTime(TimeSpan.FromHours(1)));
                if (service == "worker-2") builder.Services.AddSingleton<TimeProvider>(new ShiftedTime(TimeSpan.FromHours(-1)));
            },
            []);
        var client = cluster.Client;
        var skews = (await client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().ToDictionary(node => node.GetProperty("name").GetString()!, node => node.GetProperty("clockSkewSeconds").GetDouble());
        Assert.InRange(skews["worker-1"], 3570, 3630);
        Assert.InRange(skews["worker-2"], -3630, -3570);
        Assert.InRange(skews["worker-3"], -30, 30);

        // Stored, read, overwritten, deleted, brought back, verified, healed, and all of it also from disk.
        var (first, second) = (new MovieBytes(1, 400_000), new MovieBytes(2, 500_000));
        Assert.Equal(2, await client.StoreAsync("film.mp4", first, Cancelled));
        Assert.Equal(2, await client.StoreAsync("film.mp4", second, Cancelled));
        await client.AssertHoldsAsync("film.mp4", second, Cancelled);
        for (var i = 0; i < 4; i++) Assert.Equal(2, await client.StoreAsync($"{i}.mp4", first, Cancelled));
        using (var deleted = await client.DeleteAsync("film.mp4", Cancelled)) Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        using (var request = new HttpRequestMessage(HttpMethod.Post, "api/files/film.mp4/undelete"))
        {
            request.Headers.Authorization = client.Admin;
            using var back = await client.Http.SendAsync(request, Cancelled);
            Assert.Equal(HttpStatusCode.Created, back.StatusCode);
        }

        await client.AssertHoldsAsync("film.mp4", second, Cancelled);
        foreach (var worker in cluster.Workers)
        {
            await worker.StopAsync();
            await worker.StartAsync(Cancelled);
            await client.WaitForNodesAsync(3, Cancelled);
        }

        await client.WaitForWholeAsync(5, Cancelled);
        foreach (var name in new[] { "film.mp4", "0.mp4", "3.mp4" }) Assert.All(await client.VerifyAsync(name, Cancelled), verdict => Assert.True(verdict.Valid));
        await client.AssertHoldsAsync("film.mp4", second, Cancelled);
    }

    /// <summary>A machine whose clock is wrong.</summary>
    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
