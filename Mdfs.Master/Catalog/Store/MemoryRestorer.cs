using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>Writes the master's memory into a Redis that was wiped or went back (design, section 2.7).</summary>
internal sealed partial class MemoryRestorer(ConditionedRedis redis, Func<CatalogMemory?> recall, TimeProvider time, ILogger logger)
{
    private const int Page = 500;

    private string? _announced;

    /// <summary>Called after a restore, in the lane.</summary>
    public event Action<RestoreReport>? Restored;

    /// <summary>
    /// Makes Redis hold what memory holds, page by page, each page conditioned on the marker that the first transaction sets. Ends early
    /// with null when a page was not confirmed: the marker stays, so that nobody, whoever starts next, takes the half for the whole.
    /// What Redis holds beyond memory goes last, so that an interrupted restore has lost as little as possible.
    /// </summary>
    /// <param name="stored">Where Redis stands.</param>
    /// <param name="mine">Where it should.</param>
    /// <returns>Where it stands afterwards.</returns>
    public async Task<StorePosition?> RestoreAsync(StorePosition stored, StorePosition mine, string reason)
    {
        if (Recall(reason) is not { } memory) return null;
        var started = time.GetTimestamp();
        // Said once, however many attempts a blinking Redis needs.
        if (_announced != reason) LogRestoring(reason, memory.Entries.Count);
        _announced = reason;
        // Above both histories: no transaction that was sent in either of them can land from here on.
        var begun = mine with { Sequence = Math.Max(stored.Sequence ?? 0, mine.Sequence ?? 0) + 1, Transaction = StorePosition.NewId() };
        begun = begun with { Marker = $"restoring {begun.Transaction}" };
        if (await WrongKeysAsync().ConfigureAwait(false) is not { } wrong) return null;
        if (!await SendAsync(stored, writer =>
        {
            foreach (var key in wrong) writer.Delete(key);
            writer.Position(begun);
        }).ConfigureAwait(false)) return null;

        if (!await PagesAsync(begun, memory.Tombstones, (writer, page) => writer.Bury(page)).ConfigureAwait(false)) return null;
        if (!await PagesAsync(begun, memory.Entries, (writer, page) => writer.Put(page)).ConfigureAwait(false)) return null;
        if (!await PagesAsync(begun, memory.Nodes, (writer, page) => writer.Save(page)).ConfigureAwait(false)) return null;
        if (!await RemoveOthersAsync(begun, redis.Keys.Files, memory.Entries.Select(entry => entry.Name.Value)).ConfigureAwait(false)) return null;
        if (!await RemoveOthersAsync(begun, redis.Keys.Tombstones, memory.Tombstones.Select(tombstone => tombstone.Name.Value)).ConfigureAwait(false)) return null;
        if (!await RemoveOthersAsync(begun, redis.Keys.Nodes, memory.Nodes.Select(node => node.Id.Value)).ConfigureAwait(false)) return null;

        // A rebuilding that was not over is not over now either.
        var done = begun.Next() with { Marker = mine.Marker is null ? null : StorePosition.Rebuilding };
        if (!await SendAsync(begun, writer =>
        {
            writer.ClusterId(memory.ClusterId);
            writer.ClusterAge(memory.ClusterAge);
            writer.Highest(memory.Highest);
            writer.Position(done);
        }).ConfigureAwait(false)) return null;

        var report = new RestoreReport(reason, memory.Entries.Count, memory.Tombstones.Count, memory.Nodes.Count, time.GetElapsedTime(started));
        LogRestored(reason, report.Entries, report.Tombstones, report.Nodes, report.Took.TotalMilliseconds);
        _announced = null;
        Restored?.Invoke(report);
        return done;
    }

    private CatalogMemory? Recall(string reason)
    {
        try
        {
            if (recall() is { } memory) return memory;
            if (_announced != reason) LogNoMemory(reason);
        }
        catch (Exception e)
        {
            // Whoever is in the lane may have a transaction in doubt: it must get its answer, so this is tried again rather than thrown.
            if (_announced != reason) LogRecallFailed(e);
        }

        _announced = reason;
        return null;
    }

    private async Task<bool> PagesAsync<T>(StorePosition begun, IReadOnlyCollection<T> values, Action<StoreWriter, T[]> write)
    {
        foreach (var page in values.Chunk(Page))
        {
            if (!await SendAsync(begun, writer => write(writer, page)).ConfigureAwait(false)) return false;
        }

        return true;
    }

    private async Task<bool> RemoveOthersAsync(StorePosition begun, RedisKey key, IEnumerable<string> keep)
    {
        var known = keep.Select(name => (RedisValue)name).ToHashSet();
        var others = await redis.ReadAsync(async database =>
        {
            var found = new HashSet<RedisValue>();
            foreach (var field in await database.HashKeysAsync(key).ConfigureAwait(false))
            {
                if (!known.Contains(field)) found.Add(field);
            }

            return found;
        }).ConfigureAwait(false);
        return others is not null && await PagesAsync(begun, others, (writer, page) => writer.Delete(key, page)).ConfigureAwait(false);
    }

    /// <summary>Keys of ours that hold something else than a hash: they would refuse every write.</summary>
    private async Task<IReadOnlyList<RedisKey>?> WrongKeysAsync() => await redis.ReadAsync(async database =>
    {
        var wrong = new List<RedisKey>();
        foreach (var key in new[] { redis.Keys.Files, redis.Keys.Tombstones, redis.Keys.Nodes, redis.Keys.Holders, redis.Keys.Uploads })
        {
            if (await database.KeyTypeAsync(key).ConfigureAwait(false) is not (RedisType.Hash or RedisType.None)) wrong.Add(key);
        }

        return (IReadOnlyList<RedisKey>)wrong;
    }).ConfigureAwait(false);

    private async Task<bool> SendAsync(StorePosition expected, Action<StoreWriter> write) =>
        await redis.SendAsync(expected, write).ConfigureAwait(false) == Sent.Applied;

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason}. The catalog is not in memory yet, so nothing can be written back.")]
    private partial void LogNoMemory(string reason);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The catalog's memory could not be taken to write it back into Redis.")]
    private partial void LogRecallFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}. Writing the master's memory back into it: {Entries} movies.")]
    private partial void LogRestoring(string reason, int entries);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis holds the catalog again ({Reason}): {Entries} movies, {Tombstones} tombstones and {Nodes} nodes written back in {Milliseconds:0} ms.")]
    private partial void LogRestored(string reason, int entries, int tombstones, int nodes, double milliseconds);
}
