using System.Collections.Frozen;
using System.Collections.Immutable;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>The membership at one moment: all registered nodes, and the ring of the live ones. Readers take it whole; writers publish a new one.</summary>
public sealed class ClusterView
{
    public static readonly ClusterView Empty = new([], HashRing.Empty);

    private readonly FrozenDictionary<NodeId, NodeView> _byId;
    private readonly ImmutableArray<NodeView?> _onRing;

    public ClusterView(ImmutableArray<NodeView> nodes, HashRing ring)
    {
        Nodes = nodes;
        Ring = ring;
        _byId = nodes.ToFrozenDictionary(node => node.Id);
        _onRing = [.. ring.Members.Select(Find)];
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
    public NodeView? OnRing(int place) => _onRing[place];

    public NodeView? Find(NodeId id) => _byId.GetValueOrDefault(id);
}
