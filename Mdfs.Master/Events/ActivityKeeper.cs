using System.Text.Json;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Master.Events;

/// <summary>
/// Carries the activity to Redis, a list that is cut to the newest entries, and back at the start; and notes what nobody else does: nodes, Redis and the rebuilding.
/// Far from every commit: it writes once a second, a little at a time, outside of the catalog's transactions. While Redis is away entries wait in memory.
/// </summary>
public sealed partial class ActivityKeeper(
    ActivityLog log, NodeRegistry registry, CatalogSession session, RebuildState rebuild, IConnectionMultiplexer redis, IOptions<CatalogStoreOptions> options,
    TimeProvider time, ILogger<ActivityKeeper> logger)
    : PeriodicService(time, static () => TimeSpan.FromSeconds(1), logger)
{
    /// <summary>Entries in one command, about 200 bytes each: commits share the connection and must not wait behind a long one.</summary>
    private const int Batch = 200;

    private readonly RedisKey _key = options.Value.RedisKeyPrefix + "activity";
    private readonly Lock _gate = new();
    private readonly HashSet<NodeId> _known = [];
    private readonly HashSet<NodeId> _alive = [];
    private bool _recalled;
    private bool _failing;
    private bool _redisLost;
    private bool _rebuilding;
    private long _restores;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        log.Note(ActivityKinds.MasterStarted);
        lock (_gate) _known.UnionWith(registry.View.Nodes.Select(node => node.Id));
        registry.LivenessChanged += NoteLiveness;
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        registry.LivenessChanged -= NoteLiveness;
        await base.StopAsync(cancellationToken);
        log.CloseTallies(all: true);
        try
        {
            if (session.Attached && _recalled) await SaveAsync().WaitAsync(TimeSpan.FromSeconds(1), Time, cancellationToken);
        }
        catch (Exception failure) when (failure is TimeoutException or OperationCanceledException)
        {
            LogKept(failure.Message);
        }
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        log.CloseTallies();
        NoteStore();
        // Whoever does not reign writes nothing.
        if (!session.Attached) return;
        if (!_recalled && !await RecallAsync()) return;
        if (_restores != session.Restores)
        {
            _restores = session.Restores;
            log.SaveAgain();
        }

        await SaveAsync();
    }

    private void NoteLiveness(NodeId id, bool alive)
    {
        var node = registry.View.Find(id);
        var name = node?.RingKey ?? id.Value;
        lock (_gate)
        {
            var known = !_known.Add(id);
            if (!alive)
            {
                if (_alive.Remove(id)) log.Note(node is { Expected: true } ? ActivityKinds.NodeStopped : ActivityKinds.NodeLost, node: name);
                return;
            }

            if (!_alive.Add(id)) return;
            if (!known) log.Note(ActivityKinds.NodeJoined, node: name);
            // After a start of the master everybody comes back; that is no news.
            else if (registry.Settled) log.Note(ActivityKinds.NodeReturned, node: name);
        }
    }

    private void NoteStore()
    {
        var lost = session.Health.State is StoreState.Unreachable or StoreState.Settling;
        if (lost != _redisLost) log.Note(lost ? ActivityKinds.RedisLost : ActivityKinds.RedisBack, detail: session.Health.Sentence);
        _redisLost = lost;
        var reason = rebuild.Reason;
        if (reason is not null && !_rebuilding) log.Note(ActivityKinds.Rebuilding, detail: reason);
        if (reason is null && _rebuilding) log.Note(ActivityKinds.Rebuilt);
        _rebuilding = reason is not null;
    }

    private async Task<bool> RecallAsync()
    {
        var kept = new List<ActivityEntry>();
        for (var from = 0; from < ActivityLog.MaxEntries; from += Batch)
        {
            if (await TryAsync(database => database.ListRangeAsync(_key, from, from + Batch - 1)) is not { } values) return false;
            kept.AddRange(values.Select(Read).OfType<ActivityEntry>());
            if (values.Length < Batch) break;
        }

        log.Recall(kept);
        return _recalled = true;
    }

    private async Task SaveAsync()
    {
        while (log.Unsaved(Batch) is { Count: > 0 } entries)
        {
            RedisValue[] values = [.. entries.Select(static entry => (RedisValue)JsonSerializer.SerializeToUtf8Bytes(entry, ActivityJson.Default.ActivityEntry))];
            // Sent twice when the answer is lost; an entry that stands there twice is read once.
            if (await TryAsync(async database => (object)await database.ListLeftPushAsync(_key, values)) is null) return;
            log.Saved(entries);
            await TryAsync(async database =>
            {
                await database.ListTrimAsync(_key, 0, ActivityLog.MaxEntries - 1);
                return "";
            });
        }
    }

    private async Task<T?> TryAsync<T>(Func<IDatabase, Task<T>> command)
        where T : class
    {
        try
        {
            var result = await command(redis.GetDatabase());
            _failing = false;
            return result;
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException or ObjectDisposedException)
        {
            if (!_failing) LogKept(failure.Message);
            _failing = true;
            return null;
        }
    }

    private static ActivityEntry? Read(RedisValue value)
    {
        try
        {
            return JsonSerializer.Deserialize((byte[]?)value ?? [], ActivityJson.Default.ActivityEntry);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The activity could not be written to Redis and is kept in memory meanwhile: {Reason}")]
    private partial void LogKept(string reason);
}
