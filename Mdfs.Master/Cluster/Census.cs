using System.Collections.Immutable;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// The live nodes, each of which has told all that it holds. As long as two are equal nobody has come, gone, begun anew or ceased to take copies in between, and what was counted from the
/// reports is whole.
/// </summary>
public sealed class Census : IEquatable<Census>
{
    private readonly ImmutableArray<Entry> _nodes;

    private Census(ImmutableArray<Entry> nodes) => _nodes = nodes;

    /// <summary>Null: somebody has not told yet. Under the registry's lock.</summary>
    public static Census? Of(IEnumerable<NodeState> states)
    {
        var live = states.Where(static state => state.Alive).ToList();
        if (!live.TrueForAll(static state => state.Inventory.Complete)) return null;
        return new Census([.. live.Select(static state => new Entry(state.Id, state.Life, state.Inventory.ToldAt, state is { Draining: false, ClosedForWrites: null })).OrderBy(static entry => entry.Node)]);
    }

    public bool Equals(Census? other) => other is not null && _nodes.AsSpan().SequenceEqual(other._nodes.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as Census);

    public override int GetHashCode() => _nodes.Length;

    private readonly record struct Entry(NodeId Node, string? Life, long ToldAt, bool TakesCopies);
}
