using System.Globalization;
using System.Text.Json;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>What a transaction does, in the words of the catalog. Collects the commands' own results: a command can fail inside a transaction that was carried out.</summary>
internal sealed class StoreWriter(ITransaction transaction, StoreKeys keys)
{
    private readonly List<Task> _results = [];

    /// <summary>The first command that failed although the transaction was carried out, or null. Asked after the transaction has ended.</summary>
    public async Task<Exception?> FailureAsync()
    {
        try
        {
            await Task.WhenAll(_results).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is RedisException or OperationCanceledException or TimeoutException)
        {
            return e;
        }
    }

    /// <summary>For a transaction that was not carried out: nobody asks for its commands' results any more.</summary>
    public void Forget() => _ = Task.WhenAll(_results).ContinueWith(static all => all.Exception, TaskScheduler.Default);

    public void Position(StorePosition position)
    {
        SetOrDelete(keys.Epoch, position.Epoch);
        SetOrDelete(keys.Reign, position.Reign);
        SetOrDelete(keys.Sequence, position.Sequence);
        SetOrDelete(keys.Transaction, position.Transaction);
        SetOrDelete(keys.Marker, position.Marker);
    }

    public void Put(IEnumerable<CatalogEntry> entries) =>
        Set(keys.Files, entries.Select(entry => new HashEntry(entry.Name.Value, JsonSerializer.SerializeToUtf8Bytes(
            new StoredEntry(entry.Replica, entry.Hint.IsDefault ? [] : [.. entry.Hint]), StoreJson.Default.StoredEntry))));

    public void Bury(IEnumerable<Tombstone> tombstones) =>
        Set(keys.Tombstones, tombstones.Select(tombstone => new HashEntry(tombstone.Name.Value, JsonSerializer.SerializeToUtf8Bytes(tombstone, StoreJson.Default.Tombstone))));

    public void Save(IEnumerable<NodeRecord> nodes) =>
        Set(keys.Nodes, nodes.Select(node => new HashEntry(node.Id.Value, JsonSerializer.SerializeToUtf8Bytes(node, StoreJson.Default.NodeRecord))));

    public void Save(IReadOnlyCollection<HolderHint> hints)
    {
        Set(keys.Holders, hints.Where(hint => hint.Holders.Count > 0)
            .Select(hint => new HashEntry(hint.Version.Number, string.Join(',', hint.Holders))));
        Delete(keys.Holders, hints.Where(hint => hint.Holders.Count == 0).Select(hint => (RedisValue)hint.Version.Number));
    }

    /// <param name="record">Null: the upload goes.</param>
    public void Save(UploadId upload, byte[]? record)
    {
        if (record is null) Delete(keys.Uploads, [upload.Value]);
        else Set(keys.Uploads, [new HashEntry(upload.Value, record)]);
    }

    /// <param name="record">Null: it goes.</param>
    public void Rebalance(byte[]? record) => SetOrDelete(keys.Rebalance, record);

    public void Remove(IEnumerable<FileName> names) => Delete(keys.Files, names.Select(name => (RedisValue)name.Value));

    public void Forget(IEnumerable<FileName> names) => Delete(keys.Tombstones, names.Select(name => (RedisValue)name.Value));

    public void Remove(NodeId node) => Delete(keys.Nodes, [node.Value]);

    public void Highest(MovieVersion version) => SetOrDelete(keys.Highest, version.Number);

    public void ClusterId(string? id) => SetOrDelete(keys.ClusterId, id);

    public void ClusterAge(double seconds) => SetOrDelete(keys.ClusterAge, seconds.ToString("R", CultureInfo.InvariantCulture));

    public void Delete(RedisKey key) => _results.Add(transaction.KeyDeleteAsync(key));

    public void Delete(RedisKey key, IEnumerable<RedisValue> fields)
    {
        var all = fields.ToArray();
        if (all.Length > 0) _results.Add(transaction.HashDeleteAsync(key, all));
    }

    private void Set(RedisKey key, IEnumerable<HashEntry> entries)
    {
        var all = entries.ToArray();
        if (all.Length > 0) _results.Add(transaction.HashSetAsync(key, all));
    }

    private void SetOrDelete(RedisKey key, RedisValue value)
    {
        if (value.IsNull) Delete(key);
        else _results.Add(transaction.StringSetAsync(key, value));
    }
}
