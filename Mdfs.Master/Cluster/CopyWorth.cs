using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// What a copy is worth on each node of one <see cref="ClusterView"/>, by the numbers that <see cref="ReplicaIndex"/> keeps instead of ids: counting the copies of a million movies by looking every id up
/// took four microseconds for each (docs/performance.md).
/// </summary>
/// <remarks>It knows nothing of <see cref="LeavingCopies"/>, so that a movie which has one is surveyed as having it until it is gone: only what removes bytes has to be told more exactly.</remarks>
public sealed class CopyWorth
{
    private readonly ClusterView _view;
    private readonly NodeNumbers _nodes;
    private readonly Worth[] _byNumber;

    internal CopyWorth(ClusterView view, NodeNumbers nodes) => (_view, _nodes, _byNumber) = (view, nodes, [.. nodes.All.Select(id => Of(view.Find(id)))]);

    [Flags]
    public enum Worth : byte
    {
        Nothing = 0,
        Counts = 1,
        Lives = 2,
        Awaited = 4,
    }

    public static Worth Of(NodeView? node)
    {
        if (node is null) return Worth.Nothing;
        return (node.Counts ? Worth.Counts : 0) | (node.HasItsCopies ? Worth.Lives : 0) | (node.IsWaitedFor ? Worth.Awaited : 0);
    }

    /// <summary>One copy more.</summary>
    internal CopyTally Add(CopyTally tally, NodeId node, bool damaged) => Add(tally, Of(_view.Find(node)), damaged);

    /// <param name="number">Of the node. One that was given a number after this was made is looked up.</param>
    internal CopyTally Add(CopyTally tally, int number, bool damaged) => Add(tally, number < _byNumber.Length ? _byNumber[number] : Of(_view.Find(_nodes[number])), damaged);

    private static CopyTally Add(CopyTally tally, Worth worth, bool damaged) => new(
        tally.Counted + (!damaged && (worth & Worth.Counts) != 0 ? 1 : 0),
        tally.Live + ((worth & Worth.Lives) != 0 ? 1 : 0),
        tally.Awaited + (!damaged && (worth & Worth.Awaited) != 0 ? 1 : 0));
}
