using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A worker that is expected back is waited for, and so is half a cluster (design, section 6): nothing is copied for nothing.</summary>
public sealed class MaintenanceTests
{
    private const int Movies = 6;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_says_for_how_long_it_stops_is_waited_for_also_by_another_master_until_somebody_knows_better()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3, ("Mdfs:Worker:StopsFor", "00:10:00"));
        var client = cluster.Client;
        await StoreAsync(client);
        var leaving = cluster.Workers[0];
        var held = cluster.ReplicaFiles(leaving).Count();
        Assert.True(held > 0);
        await leaving.StopAsync();
        await WaitForStateAsync(client, "worker-1", "maintenance");
        await PassAsync(cluster, leaving);
        Assert.Equal((0, held), await RepairsAsync(client));

        // Only Redis knows what the worker holds when a master starts that has never heard it.
        await cluster.Cluster.Master.StopAsync();
        await cluster.Cluster.Master.StartAsync(Cancelled);
        await client.WaitForNodesAsync(2, Cancelled);
        await WaitForStateAsync(client, "worker-1", "maintenance");
        await PassAsync(cluster, leaving);
        Assert.Equal((0, held), await RepairsAsync(client));
        Assert.InRange((await NodeAsync(client, "worker-1")).GetProperty("maintenanceSecondsLeft").GetDouble(), 1, 600);
        Assert.Equal(1, await client.MetricAsync("mdfs_nodes_awaited", Cancelled));

        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        (await mdfs.RunAsync("nodes", "maintenance", "worker-1", "--end")).AssertEnded(0);
        await client.WaitForWholeAsync(Movies, Cancelled);
        await Eventually.TrueAsync(async () => (await RepairsAsync(client)).Made == held, "each was made once", MdfsClient.Patience, Cancelled);
        Assert.Equal(0, await client.MetricAsync("mdfs_nodes_awaited", Cancelled));
    }

    [Fact]
    public async Task An_admin_says_that_a_worker_will_be_away_and_what_is_lost_beside_it_is_healed()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 4, ("Mdfs:Master:ReplicationFactor", "3"));
        var client = cluster.Client;
        await StoreAsync(client);
        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.Contains("30 min", (await mdfs.RunAsync("nodes", "maintenance", "worker-1")).AssertEnded(0).Out);
        await cluster.Workers[0].StopAsync(atOnce: true);
        await WaitForStateAsync(client, "worker-1", "maintenance");
        await PassAsync(cluster, cluster.Workers[0]);
        Assert.Equal(0, (await RepairsAsync(client)).Made);

        // Another one dies: what it held is made anew where there is room for it, and no more than that.
        var lost = cluster.ReplicaFiles(cluster.Workers[1]).Select(Path.GetFileName).ToHashSet();
        var onBoth = cluster.ReplicaFiles(cluster.Workers[0]).Count(file => lost.Contains(Path.GetFileName(file)));
        await cluster.Workers[1].StopAsync(atOnce: true);
        // On the two that are left each of these is there once or not yet twice: one copy more of each that was on both.
        await Eventually.TrueAsync(async () => (await RepairsAsync(client)).Made >= onBoth, "they are healed", MdfsClient.Patience, Cancelled);
        await cluster.Workers[0].StartAsync(Cancelled);
        await cluster.Workers[1].StartAsync(Cancelled);
        await client.WaitForNodesAsync(4, Cancelled);
        await client.WaitForWholeAsync(Movies, Cancelled);
        (await mdfs.RunAsync("nodes", "maintenance", "worker-1", "--end")).AssertEnded(0);
        (await mdfs.RunAsync("nodes", "maintenance", "worker-9")).AssertEnded(5);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/nodes/{(await NodeAsync(client, "worker-1")).GetProperty("id").GetString()}/maintenance?seconds=never");
        request.Headers.Authorization = client.Admin;
        using var refused = await client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task When_half_of_the_workers_blink_nothing_is_copied()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 4, ("Mdfs:Master:MassLossDelay", "00:05:00"));
        var client = cluster.Client;
        await StoreAsync(client);
        foreach (var worker in cluster.Workers.Take(2)) await worker.StopAsync(atOnce: true);
        await client.WaitForNodesAsync(2, Cancelled);
        await Beats.PassAsync(cluster.Workers.Skip(2).Select(worker => worker.Address), 10, Cancelled);
        Assert.Contains("2 of 4", (await client.AdminAsync("api/cluster", Cancelled)).GetProperty("healing").GetProperty("heldUp").GetString());
        Assert.Equal(1, await client.MetricAsync("mdfs_healing_held_up", Cancelled));
        Assert.NotEqual(0, (await RepairsAsync(client)).Lacking);
        foreach (var worker in cluster.Workers.Take(2)) await worker.StartAsync(Cancelled);
        await client.WaitForNodesAsync(4, Cancelled);
        await client.WaitForWholeAsync(Movies, Cancelled);
        Assert.Equal(0, (await RepairsAsync(client)).Made);
        Assert.Equal(2 * Movies, cluster.Workers.Sum(worker => cluster.ReplicaFiles(worker).Count()));
        Assert.Equal(0, await client.MetricAsync("mdfs_healing_held_up", Cancelled));
    }

    private static async Task StoreAsync(MdfsClient client)
    {
        for (var i = 0; i < Movies; i++) await client.StoreAsync($"{i}.mp4", new MovieBytes((ulong)(90 + i), 150_000), Cancelled);
        await client.WaitForWholeAsync(Movies, Cancelled);
    }

    /// <summary>More than a node time-out and several plannings.</summary>
    private static Task PassAsync(TestCluster cluster, Mdfs.Standalone.StandaloneService away) =>
        Beats.PassAsync(cluster.Workers.Where(worker => worker != away).Select(worker => worker.Address), 25, Cancelled);

    private static async Task<(int Made, int Lacking)> RepairsAsync(MdfsClient client) =>
        ((int)await client.MetricAsync("mdfs_repairs_total", Cancelled), (int)await client.MetricAsync("mdfs_under_replicated_files", Cancelled));

    private static async Task<System.Text.Json.JsonElement> NodeAsync(MdfsClient client, string name) =>
        (await client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(node => node.GetProperty("name").GetString() == name);

    private static Task WaitForStateAsync(MdfsClient client, string name, string state) => Eventually.TrueAsync(
        async () => (await NodeAsync(client, name)).GetProperty("state").GetString() == state, $"{name} is in {state}", MdfsClient.Patience, Cancelled);
}
