using StackExchange.Redis;

namespace Mdfs.Garnet;

/// <summary>
/// Copies everything from one store, to which nobody writes, into an empty one, by ordinary commands: what the other's log then holds
/// was written like anything else, and is as long as what it describes.
/// </summary>
internal static class StoreCopy
{
    // Reading a page of a hash costs Garnet a walk past everything before it; writing a batch is one entry of the log, which must fit a page of that.
    public const int Page = 10_000;
    private const int Batch = 100;

    /// <exception cref="InvalidOperationException">The copy is not the same as the original, or a key is of a type that cannot be copied.</exception>
    public static async Task CopyAsync(RecoveredServer from, RecoveredServer to, string? password, CancellationToken cancellationToken)
    {
        from.OpenForCopying();
        to.OpenForCopying();
        await using var source = await ConnectAsync(from, password).ConfigureAwait(false);
        await using var target = await ConnectAsync(to, password).ConfigureAwait(false);

        var keys = new List<RedisKey>(Batch);
        await foreach (var key in source.GetServers()[0].KeysAsync(pageSize: Batch).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            keys.Add(key);
            if (keys.Count == Batch)
                await CopyAsync(keys, source.GetDatabase(), target.GetDatabase()).ConfigureAwait(false);
        }
        await CopyAsync(keys, source.GetDatabase(), target.GetDatabase()).ConfigureAwait(false);

        var (there, here) = (await source.GetServers()[0].DatabaseSizeAsync().ConfigureAwait(false), await target.GetServers()[0].DatabaseSizeAsync().ConfigureAwait(false));
        if (there != here)
            throw new InvalidOperationException($"The copy holds {here} keys and the original {there}.");
    }

    private static async Task CopyAsync(List<RedisKey> keys, IDatabase source, IDatabase target)
    {
        await Task.WhenAll(keys.Select(key => CopyAsync(key, source, target))).ConfigureAwait(false);
        keys.Clear();
    }

    private static async Task CopyAsync(RedisKey key, IDatabase source, IDatabase target)
    {
        var type = await source.KeyTypeAsync(key).ConfigureAwait(false);
        if (type == RedisType.String)
        {
            await target.StringSetAsync(key, await source.StringGetAsync(key).ConfigureAwait(false)).ConfigureAwait(false);
        }
        else
        {
            var (length, copied) = type switch
            {
                RedisType.Hash => (await source.HashLengthAsync(key).ConfigureAwait(false), await PagesAsync(source.HashScanAsync(key, pageSize: Page), batch => target.HashSetAsync(key, batch)).ConfigureAwait(false)),
                RedisType.Set => (await source.SetLengthAsync(key).ConfigureAwait(false), await PagesAsync(source.SetScanAsync(key, pageSize: Page), batch => target.SetAddAsync(key, batch)).ConfigureAwait(false)),
                RedisType.SortedSet => (await source.SortedSetLengthAsync(key).ConfigureAwait(false), await PagesAsync(source.SortedSetScanAsync(key, pageSize: Page), batch => target.SortedSetAddAsync(key, batch)).ConfigureAwait(false)),
                RedisType.List => (await source.ListLengthAsync(key).ConfigureAwait(false), await PagesAsync((await source.ListRangeAsync(key).ConfigureAwait(false)).ToAsyncEnumerable(), batch => target.ListRightPushAsync(key, batch)).ConfigureAwait(false)),
                _ => throw new InvalidOperationException($"'{key}' is of a type that cannot be copied: {type}."),
            };
            if (copied != length)
                throw new InvalidOperationException($"Of '{key}' {copied} of {length} elements were copied.");
        }
        if (await source.KeyExpireTimeAsync(key).ConfigureAwait(false) is { } expires)
            await target.KeyExpireAsync(key, expires).ConfigureAwait(false);
    }

    /// <summary>Writes the elements of each page in batches that are all under way at once, and returns how many elements there were.</summary>
    private static async Task<long> PagesAsync<T>(IAsyncEnumerable<T> elements, Func<T[], Task> write)
    {
        var count = 0L;
        await foreach (var page in elements.Chunk(Page).ConfigureAwait(false))
        {
            await Task.WhenAll(page.Chunk(Batch).Select(write)).ConfigureAwait(false);
            count += page.Length;
        }
        return count;
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(RecoveredServer server, string? password) =>
        await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { server.CopyEndPoint }, Password = password, AbortOnConnectFail = true }).ConfigureAwait(false);
}
