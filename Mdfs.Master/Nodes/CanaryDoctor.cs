using System.Collections.Concurrent;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Has the rot that workers plant in a file of their own healed from other workers, by the order that heals movies: so every round of the scrub shows that damage is found, reported, and made good over the
/// network (docs/decisions/scrub.md).
/// </summary>
public sealed class CanaryDoctor(NodeRegistry registry, IOptions<MasterOptions> options, TimeProvider time) : IOrderSource
{
    private const int Sources = 3;

    // A pull that fails is told of at once, in a beat whose reply could order it at once again: of a source that has just died that would be a hundred times a second.
    private readonly ConcurrentDictionary<NodeId, long> _ordered = new();

    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        if (node.Scrub?.SickCanary is not { } canary || node.Pulls.Any(pull => pull.Version == canary.Version)) return;
        if (_ordered.TryGetValue(node.Id, out var before) && time.GetElapsedTime(before) < options.Value.RepairInterval) return;
        _ordered[node.Id] = time.GetTimestamp();
        // Those whose own is whole first: of one that is just being healed as well the block may be the same.
        var others = registry.States.Where(other => other.Id != node.Id && other is { Alive: true, Failed: null, Scrub: not null }).OrderBy(other => other.Scrub!.SickCanary is not null).ThenBy(other => other.Id).ToList();
        orders.Add(new PullOrder(canary, [.. others.Take(Sources).Select(other => new PullSource(other.Id, other.Address))]));
    }
}
