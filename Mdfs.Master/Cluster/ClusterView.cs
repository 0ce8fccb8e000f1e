using System.Collections.Frozen;
using System.Collections.Immutable;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>The membership at one moment: all registered nodes, and the ring of the live ones. Readers take it whole; writers publish a new one.</summary>
public sealed class ClusterView
{
    public static readonly ClusterView Empty = new([], HashRing.Empty);

    private readonly FrozenDictionary<NodeId, int> _places;
    private readonly ImmutableArray<int> _onRing;

    public ClusterView(ImmutableArray<NodeView> nodes, HashRing ring)
        : this(nodes, ring, nodes.Select(static (node, at) => (node.Id, at)).ToFrozenDictionary(static pair => pair.Id, static pair => pair.at))
    {
    }

    private ClusterView(ImmutableArray<NodeView> nodes, HashRing ring, FrozenDictionary<NodeId, int> places)
        : this(nodes, ring, places, [.. ring.Members.Select(id => places.GetValueOrDefault(id, -1))])
    {
    }

    private ClusterView(ImmutableArray<NodeView> nodes, HashRing ring, FrozenDictionary<NodeId, int> places, ImmutableArray<int> onRing)
    {
        (Nodes, Ring, _places, _onRing) = (nodes, ring, places, onRing);
        Fill = ClusterFill.Of(nodes);
        AliveCount = nodes.Count(static node => node.Alive);
    }

    public ImmutableArray<NodeView> Nodes { get; }

    public int AliveCount { get; }

    /// <summary>Virtual nodes of the live nodes.</summary>
    public HashRing Ring { get; }

    /// <summary>How full the cluster is.</summary>
    public ClusterFill Fill { get; }

    /// <summary>The node at a place of <see cref="HashRing.Members"/>; null: it is not registered any more.</summary>
    public NodeView? OnRing(int place) => _onRing[place] is >= 0 and var at ? Nodes[at] : null;

    /// <summary>The place of a node among <see cref="Nodes"/>; -1: it is not registered.</summary>
    public int PlaceOf(NodeId id) => _places.GetValueOrDefault(id, -1);

    public NodeView? Find(NodeId id) => _places.TryGetValue(id, out var at) ? Nodes[at] : null;

    /// <summary>The same nodes in the same order on the same ring, each as it is now. Most of what makes a view is who is where, and every upload and every beat changes only what they hold.</summary>
    public ClusterView With(ImmutableArray<NodeView> nodes) => new(nodes, Ring, _places, _onRing);
}
