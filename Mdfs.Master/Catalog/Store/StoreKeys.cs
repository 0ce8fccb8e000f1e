using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>The names of all keys the master keeps in Redis.</summary>
internal sealed class StoreKeys
{
    public StoreKeys(string prefix)
    {
        Epoch = prefix + "epoch";
        Reign = prefix + "reign";
        Sequence = prefix + "sequence";
        Transaction = prefix + "transaction";
        Marker = prefix + "restoring";
        ClusterId = prefix + "cluster-id";
        ClusterAge = prefix + "cluster-age";
        Highest = prefix + "highest-version";
        Files = prefix + "files";
        Tombstones = prefix + "tombstones";
        Nodes = prefix + "nodes";
        Holders = prefix + "holders";
        Uploads = prefix + "uploads";
        Rebalance = prefix + "rebalance";
        Position = [Epoch, Reign, Sequence, Transaction, Marker];
        Facts = [ClusterId, ClusterAge, Highest];
    }

    /// <summary>The number of the reigning master.</summary>
    public RedisKey Epoch { get; }

    /// <summary>Random per master: tells two masters apart that drew the same epoch, one before and one after Redis went back.</summary>
    public RedisKey Reign { get; }

    public RedisKey Sequence { get; }

    /// <summary>The random id of the transaction that raised the sequence last.</summary>
    public RedisKey Transaction { get; }

    /// <summary>Stands while the catalog in Redis is not complete: see <see cref="StorePosition.Marker"/>.</summary>
    public RedisKey Marker { get; }

    public RedisKey ClusterId { get; }

    /// <summary>Seconds.</summary>
    public RedisKey ClusterAge { get; }

    public RedisKey Highest { get; }

    /// <summary>Hash: name → entry.</summary>
    public RedisKey Files { get; }

    /// <summary>Hash: name → tombstone.</summary>
    public RedisKey Tombstones { get; }

    /// <summary>Hash: node id → node.</summary>
    public RedisKey Nodes { get; }

    /// <summary>Hash: version → node ids, separated by commas. A hint.</summary>
    public RedisKey Holders { get; }

    /// <summary>Hash: upload id → resumable upload. No part of the catalog: what is lost of it costs an upload, never a movie.</summary>
    public RedisKey Uploads { get; }

    /// <summary>The rebalance under way, or the last one. No part of the catalog.</summary>
    public RedisKey Rebalance { get; }

    /// <summary>The keys of a <see cref="StorePosition"/>, in its order.</summary>
    public RedisKey[] Position { get; }

    public RedisKey[] Facts { get; }
}
