using Mdfs.Tests.Support;
using static Mdfs.Tests.Faults.RedisScenes;

namespace Mdfs.Tests.Faults;

/// <summary>Redis goes back to an older state (design, sections 2.6 and 2.7): what was acknowledged stands.</summary>
public sealed class RedisRollbackTests
{
    [Theory]
    [InlineData(RedisKind.Garnet, false)]
    [InlineData(RedisKind.RedisServer, false)]
    [InlineData(RedisKind.Garnet, true)]
    [InlineData(RedisKind.RedisServer, true)]
    public async Task Acknowledged_uploads_overwrites_and_deletions_stand_when_Redis_goes_back_to_an_older_copy_of_its_data(RedisKind redis, bool masterRestarts)
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, redis: redis, settings: Unhurried);
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
        await cluster.Client.WaitForCatalogAsync(Cancelled);
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
    }

    private const string Truth = "again.mp4 fresh.mp4 overwritten.mp4 untouched.mp4";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static async Task AssertTruthAsync(ProcessCluster cluster)
    {
        Assert.Equal(Truth, await NamesAsync(cluster));
        foreach (var (name, seed) in ((string, ulong)[])[("overwritten.mp4", 11), ("again.mp4", 13), ("fresh.mp4", 14), ("untouched.mp4", 4)])
            await cluster.Client.AssertHoldsAsync(name, Movie(seed), Cancelled);
        Assert.Null(await cluster.Client.FactsAsync("deleted.mp4", Cancelled));
        Assert.Null(await cluster.Client.FactsAsync("gone before.mp4", Cancelled));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
