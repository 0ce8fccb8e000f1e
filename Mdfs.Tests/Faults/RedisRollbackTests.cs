using Mdfs.Tests.Support;
using static Mdfs.Tests.Faults.RedisScenes;

namespace Mdfs.Tests.Faults;

/// <summary>Redis goes back to an older state (design, sections 2.6 and 2.7): what was acknowledged stands.</summary>
public sealed class RedisRollbackTests
{
    [Theory]
    [InlineData(RedisKind.Garnet)]
    [InlineData(RedisKind.RedisServer)]
    public async Task Acknowledged_uploads_overwrites_and_deletions_stand_when_Redis_goes_back_to_an_older_copy_of_its_data(RedisKind redis)
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, redis: redis, settings: Unhurried);
        // All names, with the seed of what is stored; null, it is deleted.
        var truth = new SortedDictionary<string, ulong?>(StringComparer.Ordinal);
        await GoBackAsync(cluster, truth, "runs", masterRestarts: false);
        foreach (var worker in cluster.Workers) await worker.StartAsync();
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await WritableAsync(cluster);
        await GoBackAsync(cluster, truth, "restarts", masterRestarts: true);
    }

    /// <param name="scene">What its names begin with.</param>
    private static async Task GoBackAsync(ProcessCluster cluster, SortedDictionary<string, ulong?> truth, string scene, bool masterRestarts)
    {
        var (overwritten, deleted, again, untouched, gone, fresh) =
            ($"{scene} overwritten.mp4", $"{scene} deleted.mp4", $"{scene} again.mp4", $"{scene} untouched.mp4", $"{scene} gone before.mp4", $"{scene} fresh.mp4");
        using var copy = new TempDirectory();
        foreach (var (name, seed) in ((string, ulong)[])[(overwritten, 1), (deleted, 2), (again, 3), (untouched, 4), (gone, 5)]) await StoreAsync(name, seed);
        await DeleteAsync(gone);

        Assert.Equal(0, await cluster.Redis.StopAsync(Cancelled));
        Copy(cluster.RedisDirectory, copy["older"]);
        await cluster.Redis.StartAsync();
        await WritableAsync(cluster);
        // Another master in between: the one that meets the older state then draws an epoch that workers have heard before.
        if (masterRestarts) await RestartMasterAsync(cluster);

        await StoreAsync(overwritten, 11);
        await DeleteAsync(deleted);
        await DeleteAsync(again);
        await StoreAsync(again, 13);
        await StoreAsync(fresh, 14);

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
        var stored = truth.Where(static movie => movie.Value is not null).ToList();
        var names = string.Join(' ', stored.Select(static movie => movie.Key));
        await Eventually.TrueAsync(async () => await NamesAsync(cluster) == names, "everything acknowledged is there again, and nothing else", MdfsClient.Patience, Cancelled);
        await AssertTruthAsync();
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        await AssertTruthAsync();
        await cluster.Client.WaitForWholeAsync(stored.Count, Cancelled);

        // And it stands in Redis: the next master knows it without any worker.
        foreach (var worker in cluster.Workers) await worker.KillAsync();
        await RestartMasterAsync(cluster);
        Assert.Equal(names, await NamesAsync(cluster));
        var buried = (await cluster.Client.AdminAsync("api/tombstones", Cancelled)).EnumerateArray().Select(static tombstone => tombstone.GetProperty("name").GetString()!);
        Assert.Equal([again, deleted, gone], buried.Where(name => name.StartsWith($"{scene} ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

        Task StoreAsync(string name, ulong seed)
        {
            truth[name] = seed;
            return RedisScenes.StoreAsync(cluster, name, seed);
        }

        Task DeleteAsync(string name)
        {
            truth[name] = null;
            return RedisScenes.DeleteAsync(cluster, name);
        }

        async Task AssertTruthAsync()
        {
            Assert.Equal(names, await NamesAsync(cluster));
            foreach (var (name, seed) in truth)
            {
                if (seed is { } movie) await cluster.Client.AssertHoldsAsync(name, Movie(movie), Cancelled);
                else Assert.Null(await cluster.Client.FactsAsync(name, Cancelled));
            }
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
