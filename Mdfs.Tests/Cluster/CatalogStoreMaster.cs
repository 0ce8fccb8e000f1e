using System.Collections.Concurrent;
using System.Collections.Immutable;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>As much of a master as the catalog store needs: a connection of its own, a memory, and the order of a start.</summary>
internal sealed class CatalogStoreMaster : IAsyncDisposable
{
    public const string ClusterId = "c1";

    private CatalogStoreMaster(IConnectionMultiplexer connection, CatalogStore store)
    {
        Connection = connection;
        Store = store;
        store.Restored += Restores.Enqueue;
    }

    public IConnectionMultiplexer Connection { get; }

    public CatalogStore Store { get; }

    public ConcurrentDictionary<FileName, CatalogEntry> Entries { get; } = [];

    public ConcurrentDictionary<FileName, Tombstone> Tombstones { get; } = [];

    public ConcurrentDictionary<NodeId, NodeRecord> Nodes { get; } = [];

    public ConcurrentQueue<RestoreReport> Restores { get; } = [];

    public StoreSnapshot Loaded { get; private set; } = null!;

    public MovieVersion Highest { get; private set; }

    public static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Connects, and does nothing else yet.</summary>
    public static async Task<CatalogStoreMaster> ConnectAsync(int port, string prefix, Action<CatalogStoreOptions>? configure = null)
    {
        var options = new CatalogStoreOptions
        {
            RedisKeyPrefix = prefix,
            CommitWait = TimeSpan.FromSeconds(20),
            RedisOperationTimeout = TimeSpan.FromSeconds(2),
            RedisRetryPause = TimeSpan.FromMilliseconds(10),
        };
        configure?.Invoke(options);
        var connection = await RedisSettings.ConnectAsync($"127.0.0.1:{port}", options);
        return new CatalogStoreMaster(connection, new CatalogStore(connection, Options.Create(options), TimeProvider.System, NullLogger<CatalogStore>.Instance));
    }

    /// <summary>A master that reigns and has loaded everything.</summary>
    public static async Task<CatalogStoreMaster> StartAsync(int port, string prefix, Action<CatalogStoreOptions>? configure = null)
    {
        var master = await ConnectAsync(port, prefix, configure);
        // A commit wait of a fraction of a second, as some tests want it, can be too short for the start on a busy machine.
        await SoonAsync(async () => await master.Store.TakeEpochAsync(0, Cancelled) is EpochOutcome.Taken, "the epoch");
        await SoonAsync(async () => (master.Loaded = await master.TryLoadAsync()) is not null, "the catalog");
        foreach (var (name, entry) in master.Loaded.Entries) master.Entries[name] = entry;
        foreach (var (name, tombstone) in master.Loaded.Tombstones) master.Tombstones[name] = tombstone;
        foreach (var node in master.Loaded.Nodes) master.Nodes[node.Id] = node;
        master.Highest = master.Loaded.Highest;
        master.Store.Remember(() => new CatalogMemory([.. master.Entries.Values], [.. master.Tombstones.Values], [.. master.Nodes.Values], ClusterId, master.Highest, 0));
        await SoonAsync(async () => await master.Store.EnsureClusterIdAsync(ClusterId, Cancelled) is WriteOutcome.Written, "the cluster id");
        if (master.Loaded.Empty) await SoonAsync(async () => await master.Store.MarkCompleteAsync(Cancelled) is CommitOutcome.Committed, "a whole catalog");
        return master;
    }

    public static CatalogEntry Movie(string name, long version, params NodeId[] hint) => new(
        new ReplicaDescription(FileName.Parse(name), new MovieVersion(version), 1_000_000 + version, new Checksum((uint)version), DateTimeOffset.UnixEpoch.AddSeconds(version), UploadId.New(), ClusterId),
        [.. hint]);

    public static Tombstone Buried(string name, long bound) => new(FileName.Parse(name), new MovieVersion(bound), bound, DateTimeOffset.UnixEpoch);

    public static CatalogChange Putting(params CatalogEntry[] entries) => new() { Put = entries, Highest = entries.Max(entry => entry.Version) };

    public static CatalogChange Deleting(string name, long bound) =>
        new() { Remove = [FileName.Parse(name)], Bury = [Buried(name, bound)], Highest = new MovieVersion(bound) };

    /// <summary>Commits, and takes it into memory like a master does.</summary>
    public async Task<CommitOutcome> CommitAsync(CatalogChange change)
    {
        var outcome = await Store.CommitAsync(change, Cancelled);
        if (outcome is CommitOutcome.Committed) Take(change);
        return outcome;
    }

    public void Take(CatalogChange change)
    {
        foreach (var name in change.Remove) Entries.TryRemove(name, out _);
        foreach (var entry in change.Put) Entries[entry.Name] = entry;
        foreach (var name in change.Forget) Tombstones.TryRemove(name, out _);
        foreach (var tombstone in change.Bury) Tombstones[tombstone.Name] = tombstone;
        Highest = MovieVersion.Max(Highest, change.Highest);
    }

    /// <summary>What stands in Redis, read by a store that is nobody's master and writes nothing.</summary>
    public static async Task<Dictionary<string, long>> VersionsAsync(int port, string prefix)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port}");
        var files = await connection.GetDatabase().HashGetAllAsync(prefix + "files");
        return files.ToDictionary(file => file.Name.ToString(), file => System.Text.Json.JsonDocument.Parse((string)file.Value!).RootElement.GetProperty("replica").GetProperty("version").GetInt64());
    }

    private static Task SoonAsync(Func<Task<bool>> done, string what) => Eventually.TrueAsync(done, what, TimeSpan.FromSeconds(60), Cancelled);

    private async Task<StoreSnapshot> TryLoadAsync()
    {
        try
        {
            return await Store.LoadAsync(Cancelled);
        }
        catch (StoreUnavailableException)
        {
            return null!;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
