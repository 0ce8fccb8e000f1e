using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// The nodes as one planning sees them, with what it has given to each so far: who makes the next copy. Those that are equally good by <see cref="Placement"/> (in a zone without a copy, not
/// overloaded) are so wherever they stand on the ring: of them it is whoever is idle, and when nobody is, whoever has the fewest bytes to copy. The ring decides among the idle, so that where little
/// is lost it goes where it would have been placed; a node lost out of a hundred is copied by all the others instead of by its neighbours. A worse node is not taken because the better ones are busy.
/// </summary>
/// <param name="most">Copies that one node is given, those under way included.</param>
/// <param name="atOnce">Copies of which it makes fewer while it is idle.</param>
internal sealed class Takers
{
    private const int None = int.MaxValue;

    private readonly ClusterView _view;
    private readonly PlacementRules _rules;
    private readonly List<Taker> _all;
    private readonly Dictionary<NodeId, Taker> _byId;
    private readonly List<Taker> _free;
    private readonly List<Taker> _equal = [];
    private readonly bool _zoned;
    private ClusterFill _fill;
    private long _asked;

    public Takers(ClusterView view, PlacementRules rules, int most, int atOnce)
    {
        (_view, _rules, _fill, _zoned) = (view, rules, view.Fill, view.Nodes.Any(static node => node.Zone is not null));
        _all = [.. view.Ring.Members.Select(view.Find).OfType<NodeView>().Where(static node => node.TakesCopies).Select(node => new Taker(node, most, atOnce))];
        _byId = _all.ToDictionary(static taker => taker.Node.Id);
        _free = [.. _all.Where(static taker => taker.Left > 0)];
        Weigh();
    }

    /// <summary>Nobody can be given any more.</summary>
    public bool AllBusy => _free.Count == 0;

    /// <summary>Whether the node can be given no copy (any more).</summary>
    public bool IsBusy(NodeId node) => !_byId.TryGetValue(node, out var taker) || taker.Left <= 0;

    /// <param name="holders">Have a copy or are getting one.</param>
    /// <param name="exclude">Further nodes not to be chosen; their zones stay free.</param>
    /// <returns>Null: nobody has room, or the best have their hands full and the copy waits for one of them.</returns>
    public NodeId? Choose(FileName name, long size, IReadOnlyCollection<NodeId> holders, IReadOnlyCollection<NodeId> exclude)
    {
        // Asked of a hundred thousand movies that have to wait, when most nodes are busy: looking ends with the first node that is as good as any can be.
        var best = Best(size, holders, exclude, out var zones);
        _equal.Clear();
        if (best is not null)
            foreach (var taker in _free)
                if (taker.Standing == best.Standing && RankOf(taker, size, zones) == RankOf(best, size, zones)) _equal.Add(taker);
        return _equal.Count == 0 ? null : Idlest(name).Node.Id;
    }

    /// <summary>
    /// Whether nobody would be chosen for any movie up to this size: whoever is as good as a node can be has all hands full, and a worse one is not taken for that. Asked for all movies on the same nodes
    /// at once, most of which have to wait. False where it depends on more, as it does on zones.
    /// </summary>
    /// <param name="passed">Nodes that are out of the question for a movie, at most.</param>
    public bool AreAskedInVain(long size, int passed)
    {
        if (_zoned || _free.Exists(static taker => taker.Standing == 0)) return false;
        return _all.Count(taker => taker.Standing == 0 && !Placement.IsFull(taker.Node, size)) > passed;
    }

    /// <summary>The node for which a copy waits that nobody was chosen for, or another one as good; null: there is none.</summary>
    public NodeId? Awaited(long size, IReadOnlyCollection<NodeId> holders, IReadOnlyCollection<NodeId> exclude) => Best(size, holders, exclude, out _)?.Node.Id;

    /// <summary>The node has a copy more to make.</summary>
    public void Give(NodeId node, long bytes)
    {
        if (!_byId.TryGetValue(node, out var taker)) return;
        taker.Left--;
        taker.Idle--;
        taker.Bytes += bytes;
        if (taker.Left <= 0) _free.Remove(taker);
    }

    /// <summary>What is given to a node must be seen by the next choices, or a nearly full one would be promised the same bytes again.</summary>
    public void Promise(NodeId node, long bytes)
    {
        if (!_byId.TryGetValue(node, out var taker)) return;
        taker.Node = taker.Node with { Pending = taker.Node.Pending + bytes };
        _fill = _fill.With(bytes);
        Weigh();
    }

    /// <summary>One that no other is better than, busy or not; null: nobody has room.</summary>
    private Taker? Best(long size, IReadOnlyCollection<NodeId> holders, IReadOnlyCollection<NodeId> exclude, out HashSet<string>? zones)
    {
        _asked++;
        foreach (var node in holders) Pass(node);
        foreach (var node in exclude) Pass(node);
        zones = Placement.ZonesOf(_view, holders);
        var (best, rank) = ((Taker?)null, None);
        foreach (var taker in _all)
        {
            if (RankOf(taker, size, zones) is var own && own >= rank) continue;
            (best, rank) = (taker, own);
            if (rank == 0) break;
        }

        return best;
    }

    private void Pass(NodeId node)
    {
        if (_byId.TryGetValue(node, out var taker)) taker.Passed = _asked;
    }

    private int RankOf(Taker taker, long size, HashSet<string>? zones) =>
        taker.Passed == _asked || Placement.IsFull(taker.Node, size) ? None : Placement.Rank(taker.Node, taker.Standing, zones);

    private Taker Idlest(FileName name)
    {
        if (_equal.Exists(static taker => taker.Idle > 0))
        {
            _equal.RemoveAll(static taker => taker.Idle <= 0);
        }
        else
        {
            var least = _equal.Min(static taker => taker.Bytes);
            _equal.RemoveAll(taker => taker.Bytes > least);
        }

        if (_equal is [var only]) return only;
        return _byId[_view.Ring.Walk(name).First(node => _byId.TryGetValue(node, out var taker) && _equal.Contains(taker))];
    }

    private void Weigh()
    {
        foreach (var taker in _all) taker.Standing = _fill.Overloads(taker.Node, _rules) ? 1 : 0;
    }

    private sealed class Taker(NodeView node, int left, int idle)
    {
        public NodeView Node { get; set; } = node;

        /// <summary>Copies that it may still be given.</summary>
        public int Left { get; set; } = left;

        /// <summary>Of these, those with which it could begin now.</summary>
        public int Idle { get; set; } = idle;

        /// <summary>To be copied by it.</summary>
        public long Bytes { get; set; }

        public int Standing { get; set; }

        /// <summary>The question for which it is out of the question.</summary>
        public long Passed { get; set; }
    }
}
