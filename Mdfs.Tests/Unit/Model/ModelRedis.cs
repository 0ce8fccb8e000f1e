using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>What the catalog says of the one name.</summary>
internal sealed record Said(CatalogEntry? Entry, Tombstone? Tombstone, MovieVersion Highest)
{
    public static readonly Said Nothing = new(null, null, MovieVersion.None);
}

/// <summary>All that Redis holds; an empty one has no epoch.</summary>
/// <param name="LastHeard">Cluster age at which each registered node was last heard; null when it is not registered.</param>
internal sealed record RedisData(StorePosition Position, Said Said, double ClusterAge, (double? A, double? B, double? C) LastHeard)
{
    public static readonly RedisData Empty = new(new StorePosition(null, null, null, null, null), Said.Nothing, 0, default);
}

/// <summary>A transaction on its way: it may be applied late, its answer may be lost.</summary>
internal sealed class Transaction(ModelMaster from, StorePosition position, Said? next, double sentAt)
{
    public ModelMaster From => from;

    /// <summary>Where Redis must stand.</summary>
    public StorePosition Position => position;

    /// <summary>
    /// What to write; null for a fence, which changes nothing. A fence has the conditions of the transaction that it settles, so that of all that were
    /// sent under one
    /// sequence only one ever happens, however late any of them arrives.
    /// </summary>
    public Said? Next => next;

    public double SentAt => sentAt;
    public bool Applied { get; set; }
    public bool Answered { get; set; }
    public bool Done { get; set; }
    public RedisData? Read { get; set; }
}

/// <summary>Redis: every transaction whole or not at all, and it may go back to what it held before.</summary>
internal sealed class ModelRedis
{
    public RedisData Data { get; set; } = RedisData.Empty;

    /// <summary>Older copies of the data, to go back to.</summary>
    public List<RedisData> Copies { get; } = [];

    public void Apply(Transaction transaction, Flaw flaw)
    {
        transaction.Applied = true;
        var holds = Data.Position == transaction.Position;
        if (holds || (flaw == Flaw.UnconditionalTransactions && transaction.Next is not null))
        {
            transaction.Done = true;
            var raises = transaction.Next is not null || flaw != Flaw.SettleByPlainRead;
            Data = Data with { Position = Data.Position with { Sequence = (Data.Position.Sequence ?? 0) + (raises ? 1 : 0) }, Said = transaction.Next ?? Data.Said };
        }

        transaction.Read = Data;
    }
}
