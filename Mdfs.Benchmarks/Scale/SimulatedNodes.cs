using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Scale;

/// <summary>Nodes that exist on paper.</summary>
internal static class SimulatedNodes
{
    public static NodeView Node(int number, long capacity, long used) => new(
        NodeId.Parse(number.ToString("x32", CultureInfo.InvariantCulture)), $"worker-{number}", $"http://worker-{number}:8081", null, null,
        new NodeSpace(capacity, capacity - used, used, 0), Alive: true, Draining: false, ClosedForWrites: null, Pending: 0);

    public static HashRing Ring(IEnumerable<NodeView> nodes) => HashRing.Build(nodes.Select(node => (node.Id, node.RingKey)), 10);

    public static ClusterView View(ImmutableArray<NodeView> nodes, HashRing? ring = null) => new(nodes, ring ?? Ring(nodes));
}
