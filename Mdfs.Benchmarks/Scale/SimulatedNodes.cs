using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Scale;

/// <summary>Nodes that exist on paper, known by their numbers.</summary>
internal static class SimulatedNodes
{
    private static readonly ImmutableArray<NodeId> _ids = [.. Enumerable.Range(0, 256).Select(number => NodeId.Parse(number.ToString("x32", CultureInfo.InvariantCulture)))];

    public static NodeId Id(int number) => _ids[number];

    public static int Number(NodeId id) => int.Parse(id.Value.AsSpan(24), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static NodeView Node(int number, long capacity, long used) => new(
        Id(number), $"worker-{number}", $"http://worker-{number}:8081", null, null,
        new NodeSpace(capacity, capacity - used, used, 0), Alive: true, Draining: false, ClosedForWrites: null, Pending: 0);

    public static HashRing Ring(IEnumerable<NodeView> nodes) => HashRing.Build(nodes.Select(node => (node.Id, node.RingKey)), 10);

    public static ClusterView View(ImmutableArray<NodeView> nodes, HashRing? ring = null) => new(nodes, ring ?? Ring(nodes));
}
