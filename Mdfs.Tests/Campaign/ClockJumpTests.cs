using System.Net;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>Clocks an hour apart, and clocks that jump (docs/reliability.md): nothing depends on them.</summary>
public sealed class ClockJumpTests
{
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Movies_are_stored_read_healed_and_cleared_away_whatever_the_clocks_of_workers_say()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A clock is set for one process by a preloaded library, on Linux.");
        await using var cluster = await CampaignCluster.StartAsync(RedisKind.Garnet, workers: 2, Cancelled, ("Mdfs:Master:NodeTimeout", "00:00:05"));
        var client = cluster.Client;
        var disks = new DiskInspector(cluster, new History());
        var movie = new MovieBytes(1, 500_000);
        cluster.Workers[0].System.SetClock(_hour);
        cluster.Workers[1].System.SetClock(-_hour);

        await Patiently.StoreAsync(client, "stays.mp4", movie, Cancelled);
        await Patiently.StoreAsync(client, "goes.mp4", new MovieBytes(2, 100_000), Cancelled);
        await Patiently.DeleteAsync(client, "goes.mp4", Cancelled);
        await client.AssertHoldsAsync("stays.mp4", movie, Cancelled);
        // Signed links are judged by the master's time.
        using (var link = await client.Http.GetAsync(MdfsClient.DownloadPath("stays.mp4") + "&direct=1", Cancelled)) Assert.Equal(HttpStatusCode.OK, link.StatusCode);
        var cycle = await CycleAsync(client);
        await Eventually.TrueAsync(async () => await CycleAsync(client) > cycle + 1, "the scrub goes on", CampaignCluster.Patience, Cancelled);

        // Both are set right: one back, one forth.
        foreach (var worker in cluster.Workers) worker.System.SetClock(TimeSpan.Zero);
        foreach (var replica in disks.Replicas().Where(replica => replica.Worker == cluster.Workers[0]).ToList())
            BitRot.Flip(replica.Path, 1000);

        await Eventually.TrueAsync(() => disks.Replicas().All(replica => MovieBytes.HashOfFile(replica.Path) == movie.Hash), "the scrub finds it, and it is healed", CampaignCluster.Patience, Cancelled);
        await Eventually.TrueAsync(
            () => !cluster.Workers.SelectMany(worker => Directory.EnumerateFiles(Path.Combine(worker.Data, "trash", "kept"))).Any(), "the trash is empty", CampaignCluster.Patience, Cancelled);
        await client.AssertHoldsAsync("stays.mp4", movie, Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static async Task<long> CycleAsync(MdfsClient client) =>
        (await client.AdminAsync("api/scrub", Cancelled)) is var facts && Nodes(facts).Select(node => node.GetProperty("cycle").GetInt64()).DefaultIfEmpty(0).Min() is var least ? least : 0;

    private static IEnumerable<JsonElement> Nodes(JsonElement facts) => facts.ValueKind == JsonValueKind.Array ? facts.EnumerateArray() : facts.GetProperty("nodes").EnumerateArray();
}
