using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>What a node is told in return: orders, tombstones, and how far it has been heard.</summary>
public sealed class BeatReplies(
    NodeRegistry registry, FileCatalog catalog, MasterIdentity identity, ClusterClock clock, RebuildState rebuild, Adoption adoption, IEnumerable<IOrderSource> orderSources, TimeProvider time)
{
    /// <summary>Orders in one reply: a worker carries them out in turn, and the next beat brings the rest.</summary>
    private const int MaxOrders = 500;

    /// <summary>Tombstones in one reply, about 100 bytes each.</summary>
    private const int MaxTombstones = 500;

    private readonly IOrderSource[] _orderSources = [.. orderSources];

    /// <summary>Under the registry's lock.</summary>
    public BeatReply To(Beat beat, NodeState state)
    {
        var number = ++state.ReplyNumber;
        var orders = new List<NodeOrder>();
        // Without a name of the cluster every replica would look like another cluster's.
        var reigns = identity.Epoch > 0 && identity.ClusterId.Length > 0;
        if (reigns)
        {
            foreach (var source in _orderSources)
            {
                source.AddOrders(state, orders);
                if (orders.Count >= MaxOrders) break;
            }
        }

        var tombstones = new List<Tombstone>();
        if (reigns && state.Inventory.Complete)
        {
            foreach (var (name, owed) in state.OwedTombstones.Take(MaxTombstones).ToList())
            {
                tombstones.Add(owed.Tombstone);
                state.OwedTombstones[name] = (owed.Tombstone, number);
            }
        }

        // Sent once: a tombstone that is kept too long harms nothing, and the next inventory shows it.
        var forget = reigns ? state.OwedForgets.Take(MaxTombstones).ToList() : [];
        if (forget.Count > 0) state.OwedForgets.RemoveRange(0, forget.Count);

        var settled = reigns && IsSettled(state, tombstones.Count);
        // Whatever Redis had forgotten of it would have shown.
        if (settled) state.ClaimsDraining = false;
        return new BeatReply
        {
            Number = number,
            Protocol = WireVersion.Current,
            Epoch = identity.Epoch is > 0 and var epoch ? epoch : beat.Epoch,
            ClusterId = identity.ClusterId,
            MasterTime = time.GetUtcNow().ToUnixTimeMilliseconds(),
            ClusterAge = clock.Age,
            Settled = settled,
            HighestVersion = catalog.Highest,
            Acknowledged = beat.Number,
            SendInventory = identity.IsObeyedIn(beat) && (!state.Inventory.Complete || !state.Inventory.AgreesWith(beat)),
            Draining = state.Draining,
            Orders = orders.Count > MaxOrders ? orders.GetRange(0, MaxOrders) : orders,
            Tombstones = tombstones,
            Forget = forget,
        };
    }

    /// <summary>
    /// Whether all that the node holds has been judged and carried out: only then does its own memory of the cluster's age move on
    /// (docs/decisions/absence.md). Not before others had the time to come: Redis may have gone back, and one of them know of a deletion that is not judged by yet.
    /// </summary>
    private bool IsSettled(NodeState state, int tombstonesInThisReply) =>
        registry.Settled && state.Inventory.Complete && rebuild.Reason is null && adoption.IsIdle && !state.Unsettled && state.OwedTombstones.Count <= tombstonesInThisReply;

    public BeatReply Refuse(Beat beat, string reason) => Farewell(beat) with { Refused = reason };

    /// <summary>Orders nothing and teaches nothing.</summary>
    public BeatReply Farewell(Beat beat) => new()
    {
        Number = 0,
        Protocol = WireVersion.Current,
        Epoch = identity.Epoch > 0 ? identity.Epoch : beat.Epoch,
        ClusterId = identity.ClusterId,
        MasterTime = time.GetUtcNow().ToUnixTimeMilliseconds(),
        ClusterAge = beat.ClusterAge,
        HighestVersion = beat.HighestVersion,
    };
}
