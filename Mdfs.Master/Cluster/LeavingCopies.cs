using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Copies that this master has told their nodes to remove (docs/decisions/model.md, 9). Such a copy is as good as gone until a beat shows it that was made after the order had ended: the last one heard
/// says nothing, since its node may have obeyed a moment later and died.
/// </summary>
/// <remarks>Written under the registry's lock, read without any.</remarks>
public sealed class LeavingCopies(TimeProvider time)
{
    // By the worker's clock it ends earlier: there it runs from the beat that was answered.
    private static readonly TimeSpan _orderLife = NodeOrder.Life + TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(MovieVersion Version, NodeId Node), Order> _orders = new();

    public bool Contains(MovieVersion version, NodeId node) => _orders.ContainsKey((version, node));

    /// <summary>The node is told with the reply that is being made.</summary>
    public void Note(MovieVersion version, NodeState node) => _orders[(version, node.Id)] = new Order(node.Life, time.GetTimestamp(), AskedWith: 0);

    /// <summary>A beat of the node is being answered.</summary>
    public void Heard(NodeState node)
    {
        foreach (var (key, order) in _orders)
        {
            if (key.Node != node.Id) continue;
            var ended = time.GetElapsedTime(order.Given) >= _orderLife;
            if (IsOver(node, key.Version, order, ended)) _orders.TryRemove(key, out _);
            // A beat that tells of having this reply was made after it, whatever was on its way meanwhile.
            else if (ended && order.AskedWith == 0) _orders[key] = order with { AskedWith = node.ReplyNumber };
        }
    }

    public void Forget(NodeId node)
    {
        foreach (var key in _orders.Keys)
        {
            if (key.Node == node) _orders.TryRemove(key, out _);
        }
    }

    private static bool IsOver(NodeState node, MovieVersion version, Order order, bool ended)
    {
        // What was told by the whole is certain; that nothing is known for a while, since the whole is asked for again, is not.
        if (node.Inventory.Complete && !node.Inventory.Contains(version)) return true;
        // The process that was told has ended.
        if (ended && order.Life != node.Life) return true;
        return order.AskedWith > 0 && node.AppliedReply >= order.AskedWith;
    }

    /// <param name="Life">Of the node, that was told.</param>
    /// <param name="AskedWith">The number of the first reply that was made after the order had ended; 0: none was.</param>
    private sealed record Order(string? Life, long Given, long AskedWith);
}
