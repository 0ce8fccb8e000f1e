using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>Clusters to decide about.</summary>
internal static class Nodes
{
    public const long GiB = 1L << 30;

    public static NodeId Id(int number) => NodeId.Parse(number.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>A live node, half a tebibyte, empty.</summary>
    public static NodeView Node(int number, string? zone = null, long used = 0, long capacity = 512 * GiB, string? address = null)
    {
        address ??= $"http://worker{number}:8080";
        return new NodeView(
            Id(number), address, address, null, zone, new NodeSpace(capacity, capacity - used, used, 0),
            Alive: true, Draining: false, ClosedForWrites: null, Pending: 0);
    }

    public static ClusterView View(params IEnumerable<NodeView> nodes)
    {
        ImmutableArray<NodeView> all = [.. nodes];
        return new ClusterView(all, HashRing.Build(all.Where(node => node.Alive).Select(node => (node.Id, node.RingKey)), 10));
    }
}
