using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Heartbeats;

internal enum ReplyVerdict
{
    /// <summary>Carried out: its tombstones are on disk.</summary>
    Obeyed,

    /// <summary>The master does not want this node.</summary>
    Refused,

    /// <summary>It speaks for an epoch that is over.</summary>
    Stale,

    /// <summary>It speaks for another cluster than the one this node belongs to.</summary>
    OtherCluster,
}

/// <summary>
/// What a worker does about a reply whose signature is right, in the order that no crash breaks (design, sections 2.7, 6 and 7): a higher epoch
/// is on disk before anything is done in its name; tombstones are on disk before the next beat says that this reply was applied, and before
/// anything goes by them.
/// </summary>
internal sealed class Obedience(NodeMemory memory, MasterClock clock, Standing standing, Inventory inventory, ReplicaStore store, OrderDesk orders)
{
    /// <param name="beatNumber">Of the beat that was answered: no more than it said can be acknowledged.</param>
    /// <param name="sent">Timestamp at which that beat was sent; the life of the orders counts from there.</param>
    public async Task<ReplyVerdict> ObeyAsync(BeatReply reply, long beatNumber, long sent)
    {
        // A master that has just begun does not know its cluster's name yet, and learns it from the beats of nodes like this one.
        var named = reply.ClusterId.Length > 0;
        if (named && memory.Facts.ClusterId is { } own && own != reply.ClusterId) return ReplyVerdict.OtherCluster;
        if (reply.Epoch < memory.Facts.Epoch) return ReplyVerdict.Stale;
        clock.Set(reply.MasterTime);
        standing.Refused = reply.Refused;
        if (reply.Refused is not null) return ReplyVerdict.Refused;
        if (!memory.TryObey(reply.Epoch)) return ReplyVerdict.Stale;
        if (named && !memory.TryJoin(reply.ClusterId)) return ReplyVerdict.OtherCluster;

        inventory.Acknowledge(Math.Min(reply.Acknowledged, beatNumber));
        await store.RememberAsync(reply.Tombstones);
        // Before what is only kept in mind: on a disk that is full to the last byte that may fail, and it is these that make room there.
        orders.Take(reply.Tombstones, reply.Orders, sent);
        store.Forget(reply.Forget);
        memory.Hear(reply.HighestVersion, reply.ClusterAge, reply.Settled, reply.Draining);
        return ReplyVerdict.Obeyed;
    }
}
