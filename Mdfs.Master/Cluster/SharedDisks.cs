using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>The space of several nodes together. What is free on a disk that some of them share is there once, whoever tells of it.</summary>
public static class SharedDisks
{
    public static NodeSpace Space(IEnumerable<NodeView> nodes)
    {
        var (capacity, free, used, inFlight) = (0L, 0L, 0L, 0L);
        foreach (var disk in nodes.GroupBy(node => node.Space.Disk ?? node.Id.Value))
        {
            var told = disk.Sum(node => node.Space.Free);
            // A limit of a node's own (Capacity) may leave it less than the disk has.
            var there = Math.Min(told, disk.Max(node => node.Space.DiskFree ?? node.Space.Free));
            free += there;
            capacity += disk.Sum(node => node.Space.Capacity) - (told - there);
            used += disk.Sum(node => node.Space.Used);
            inFlight += disk.Sum(node => node.Space.InFlight);
        }

        return new NodeSpace(capacity, free, used, inFlight);
    }
}
