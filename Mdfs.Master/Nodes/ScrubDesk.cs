using Mdfs.Gateway.Sources;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>Passes an admin's word about the scrub on to workers: with the replies to their beats, until they say that they have done it.</summary>
public sealed class ScrubDesk(NodeRegistry registry, WorkerClient workers, ActivityLog activity, TimeProvider time) : IOrderSource
{
    private long _last;

    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        if (node.WantedScrub is { } wanted && wanted.Id > (node.Scrub?.Order ?? 0)) orders.Add(wanted);
        else node.WantedScrub = null;
    }

    /// <summary>Tells these nodes, and has them ask for it at once.</summary>
    public async Task TellAsync(IReadOnlyCollection<NodeId> nodes, ScrubAction action, CancellationToken cancellationToken)
    {
        // By the clock, so that it is also higher than that of any master before this one.
        var id = _last = Math.Max(_last + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
        var addresses = new List<WorkerAddress>();
        lock (registry.Gate)
        {
            foreach (var state in nodes.Select(registry.Find).OfType<NodeState>())
            {
                state.WantedScrub = new ScrubOrder(id, action);
                addresses.Add(new WorkerAddress(state.Id, state.Address));
            }
        }

        activity.Note(
            action == ScrubAction.Start ? ActivityKinds.ScrubStarted : ActivityKinds.ScrubPaused, node: addresses is [var one] ? registry.View.Find(one.Id)?.RingKey : null,
            detail: addresses.Count == 1 ? null : $"{addresses.Count} nodes");
        await Task.WhenAll(addresses.Select(address => workers.BeatNowAsync(address, cancellationToken)));
    }
}
