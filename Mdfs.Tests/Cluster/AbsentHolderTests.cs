using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A worker that was away while something was deleted brings nothing back (design, sections 2.2 and 7; the second defect of the original).</summary>
public sealed class AbsentHolderTests
{
    [Fact]
    public async Task Copies_on_a_killed_worker_that_were_deleted_meanwhile_go_when_it_returns_and_never_reappear()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, settings: ("Mdfs:Master:NodeTimeout", "00:00:05"));
        var client = cluster.Client;
        await Patiently.StoreAsync(client, "gone.mp4", new MovieBytes(1, 200_000), Cancelled);
        await Patiently.StoreAsync(client, "again.mp4", new MovieBytes(2, 200_000), Cancelled);
        var holder = cluster.Worker((await client.FactsAsync("gone.mp4", Cancelled))!.Holders.First());
        var old = (await client.FactsAsync("again.mp4", Cancelled))!.Version;

        // Deleted at once, before anybody has missed the worker.
        await holder.KillAsync();
        var verdicts = await client.VerifyAsync("gone.mp4", Cancelled);
        Assert.Equal(["ERROR", "good"], verdicts.Select(verdict => verdict.Valid ? "good" : verdict.Checksum).Order(StringComparer.Ordinal));
        await Patiently.DeleteAsync(client, "gone.mp4", Cancelled);
        await Patiently.DeleteAsync(client, "again.mp4", Cancelled);
        var again = new MovieBytes(3, 250_000);
        await Patiently.StoreAsync(client, "again.mp4", again, Cancelled);
        Assert.NotEmpty(ReplicaDirectory.Files(cluster.WorkerDirectory(holder)));

        for (var life = 0; life < 2; life++)
        {
            await holder.StartAsync();
            await client.WaitForNodesAsync(3, Cancelled);
            await client.WaitForWholeAsync(1, Cancelled);
            var current = (await client.FactsAsync("again.mp4", Cancelled))!.Version;
            await Eventually.TrueAsync(() => Versions(cluster).All(version => version == current), "deleted copies go", MdfsClient.Patience, Cancelled);

            await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
            Assert.DoesNotContain(old, Versions(cluster));
            Assert.All(Versions(cluster), version => Assert.Equal(current, version));
            Assert.Equal(["again.mp4"], (await client.ListAsync(Cancelled)).Select(file => file.Name));
            await client.AssertHoldsAsync("again.mp4", again, Cancelled);
            await holder.KillAsync();
        }
    }

    [Fact]
    public async Task A_worker_that_was_away_longer_than_deletions_are_remembered_brings_nothing_back()
    {
        await using var cluster = await TestCluster.StartAsync(
            Cancelled, settings: [("Mdfs:Master:TombstoneRetention", "00:00:02"), ("Mdfs:Master:TombstoneCleanupInterval", "00:00:00.2")]);
        var client = cluster.Client;
        await Patiently.StoreAsync(client, "gone.mp4", new MovieBytes(1, 200_000), Cancelled);
        var holder = cluster.Worker((await client.FactsAsync("gone.mp4", Cancelled))!.Holders.First());
        await holder.StopAsync(atOnce: true);
        await Patiently.DeleteAsync(client, "gone.mp4", Cancelled);

        // What a node has reported keeps its deletion in memory; a new master has heard nothing from the one that is away.
        await cluster.Cluster.Master.StopAsync();
        await cluster.Cluster.Master.StartAsync(Cancelled);
        // The cleaner runs, forgets, and does not keep the master from working: the third defect of the original.
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_tombstones_removed_total", Cancelled) >= 1, "the deletion is forgotten", MdfsClient.Patience, Cancelled);
        Assert.Equal(0, await client.MetricAsync("mdfs_tombstones", Cancelled));
        await Patiently.StoreAsync(client, "stays.mp4", new MovieBytes(2, 100_000), Cancelled);

        await holder.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        await Eventually.TrueAsync(() => Quarantined(cluster.Cluster.WorkerDirectory(holder)), "what the catalog does not know is put aside", MdfsClient.Patience, Cancelled);
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        Assert.Null(await client.FactsAsync("gone.mp4", Cancelled));
        Assert.Equal(["stays.mp4"], (await client.ListAsync(Cancelled)).Select(file => file.Name));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static bool Quarantined(string worker) => Directory.EnumerateFiles(Path.Combine(worker, "quarantine"), "*", SearchOption.AllDirectories).Any();

    private static List<long> Versions(ProcessCluster cluster) =>
        [.. cluster.Workers.SelectMany(worker => ReplicaDirectory.Files(cluster.WorkerDirectory(worker))).Select(file => long.Parse(Path.GetFileName(file), System.Globalization.CultureInfo.InvariantCulture))];
}
