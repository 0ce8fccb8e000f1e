using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>A small number for each node that has ever reported anything, for places where millions of them are kept. One writer; a number once given stays.</summary>
internal sealed class NodeNumbers
{
    private readonly Dictionary<NodeId, int> _numbers = [];
    private NodeId[] _ids = [];

    /// <summary>By their numbers.</summary>
    public IReadOnlyList<NodeId> All => Volatile.Read(ref _ids);

    /// <summary>Only of numbers that were given.</summary>
    public NodeId this[int number] => Volatile.Read(ref _ids)[number];

    /// <summary>Its number, given now if it has none. By the writer.</summary>
    public int Of(NodeId node)
    {
        if (_numbers.TryGetValue(node, out var number)) return number;
        Volatile.Write(ref _ids, [.. _ids, node]);
        return _numbers[node] = _ids.Length - 1;
    }

    /// <summary>The one of all equal ids that is kept. By the writer.</summary>
    public NodeId Share(NodeId node) => this[Of(node)];
}
