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
    public async Task What_a_worker_brings_that_was_away_longer_than_deletions_are_remembered_waits_for_an_admin_to_adopt_or_purge_it()
    {
        await using var cluster = await TestCluster.StartAsync(
            Cancelled, settings: [("Mdfs:Master:TombstoneRetention", "00:00:02"), ("Mdfs:Master:TombstoneCleanupInterval", "00:00:00.2")]);
        var client = cluster.Client;
        // Of four movies with two copies each on three workers, one worker holds two at least.
        var movies = Enumerable.Range(0, 4).ToDictionary(number => $"gone {number}.mp4", number => new MovieBytes((ulong)number, 200_000 + number));
        foreach (var (name, movie) in movies) await Patiently.StoreAsync(client, name, movie, Cancelled);
        var held = new List<(string Movie, string Worker)>();
        foreach (var name in movies.Keys) held.AddRange((await client.FactsAsync(name, Cancelled))!.Holders.Select(worker => (name, worker)));
        var most = held.GroupBy(pair => pair.Worker).MaxBy(group => group.Count())!;
        var (adopted, spoilt) = (most.First().Movie, most.Last().Movie);
        var holder = cluster.Worker(most.Key);
        await holder.StopAsync(atOnce: true);
        foreach (var name in movies.Keys) await Patiently.DeleteAsync(client, name, Cancelled);

        // What a node has reported keeps its deletion in memory; a new master has heard nothing from the one that is away.
        await cluster.Cluster.Master.StopAsync();
        await cluster.Cluster.Master.StartAsync(Cancelled);
        // The cleaner runs, forgets, and does not keep the master from working: the third defect of the original.
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_tombstones_removed_total", Cancelled) >= 4, "the deletions are forgotten", MdfsClient.Patience, Cancelled);
        Assert.Equal(0, await client.MetricAsync("mdfs_tombstones", Cancelled));
        await Patiently.StoreAsync(client, "stays.mp4", new MovieBytes(2, 100_000), Cancelled);

        await holder.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        await Eventually.TrueAsync(
            async () => await client.MetricAsync("mdfs_quarantined_replicas", Cancelled) == most.Count(), "what the catalog does not know is put aside", MdfsClient.Patience, Cancelled);
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        Assert.Equal(["stays.mp4"], (await client.ListAsync(Cancelled)).Select(file => file.Name));

        // Over a restart of the worker too.
        await holder.StopAsync();
        await holder.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        var quarantine = (await client.AdminAsync("api/quarantine", Cancelled)).EnumerateArray().ToList();
        Assert.Equal(most.Select(pair => pair.Movie).Order(), quarantine.Select(one => one.GetProperty("name").GetString()!).Order());
        Assert.All(quarantine, one => Assert.Contains("away longer", one.GetProperty("reason").GetString()));
        var (good, bad) = (Find(adopted), Find(spoilt));
        BitRot.Flip(Path.Combine(cluster.Cluster.WorkerDirectory(holder), "quarantine", bad, bad[..bad.IndexOf('-', StringComparison.Ordinal)]), 100_000);

        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.Equal(adopted, Assert.Single((await mdfs.RunAsync("quarantine", "adopt", good, "--json")).AssertEnded(0).Json).GetProperty("name").GetString());
        await client.WaitForWholeAsync(2, Cancelled);
        await client.AssertHoldsAsync(adopted, movies[adopted], Cancelled);
        Assert.All(await client.VerifyAsync(adopted, Cancelled), verdict => Assert.True(verdict.Valid));
        (await mdfs.RunAsync("quarantine", "adopt", good)).AssertEnded(5);

        // Bytes that are not what their description says are no movie under any name, and stay where they are until somebody gives them up.
        Assert.Contains("stay in quarantine", (await mdfs.RunAsync("quarantine", "adopt", bad, "--as", "other.mp4")).AssertEnded(1).Error);
        Assert.Null(await client.FactsAsync("other.mp4", Cancelled));
        Assert.Contains(spoilt, (await mdfs.RunAsync("quarantine")).AssertEnded(0).Out);
        (await mdfs.RunAsync("quarantine", "purge", "--all")).AssertEnded(2);
        (await mdfs.RunAsync("quarantine", "purge", "--all", "--yes")).AssertEnded(0);
        Assert.Empty((await client.AdminAsync("api/quarantine", Cancelled)).EnumerateArray());
        await Eventually.TrueAsync(async () => await client.MetricAsync("mdfs_quarantined_replicas", Cancelled) == 0, "the quarantine is empty", MdfsClient.Patience, Cancelled);
        Assert.False(Quarantined(cluster.Cluster.WorkerDirectory(holder)));
        var kinds = (await client.AdminAsync("api/activity?kind=quarantined,adopted,purged", Cancelled)).GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("kind").GetString()).Distinct();
        Assert.Equal(["adopted", "purged", "quarantined"], kinds.Order());

        string Find(string name) => quarantine.Single(one => one.GetProperty("name").GetString() == name).GetProperty("id").GetString()!;
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static bool Quarantined(string worker) => Directory.EnumerateFiles(Path.Combine(worker, "quarantine"), "*", SearchOption.AllDirectories).Any();

    private static List<long> Versions(ProcessCluster cluster) =>
        [.. cluster.Workers.SelectMany(worker => ReplicaDirectory.Files(cluster.WorkerDirectory(worker))).Select(file => long.Parse(Path.GetFileName(file), System.Globalization.CultureInfo.InvariantCulture))];
}
