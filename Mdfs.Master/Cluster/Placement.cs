using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Where the copies of a movie go, and, by the same preferences, which of too many stay (design, sections 3 and 6): what the one places the
/// other never removes, so that healing, trimming and rebalancing cannot undo one another. A function of one <see cref="ClusterView"/>.
/// </summary>
public static class Placement
{
    private const int MostOnStack = 512;

    /// <summary>Worse than any standing: it has been chosen already.</summary>
    private const int Picked = 3;

    /// <summary>
    /// The nodes that may take a new copy, best first: the walk of the ring, overloaded nodes after the others. The first <paramref name="copies"/>
    /// stand in as many zones as there are; a distinct zone outweighs an overload, since zones are about losing movies and load is about
    /// balance. The rest follows as replacements. Full, draining, closed and dead nodes are never among them.
    /// </summary>
    /// <param name="size">Bytes; 0 when not known.</param>
    /// <param name="copies">How many copies are still to be placed.</param>
    /// <param name="holders">Nodes that have a copy or are getting one: not chosen again, and their zones count as taken.</param>
    /// <param name="exclude">Further nodes not to be chosen, such as one that has just refused; their zones stay free.</param>
    public static IReadOnlyList<NodeView> Candidates(
        ClusterView view,
        FileName name,
        long size,
        int copies,
        PlacementRules rules,
        IReadOnlyCollection<NodeId>? holders = null,
        IReadOnlyCollection<NodeId>? exclude = null)
    {
        Span<int> walk = view.Ring.NodeCount <= MostOnStack ? stackalloc int[view.Ring.NodeCount] : new int[view.Ring.NodeCount];
        view.Ring.Walk(name, walk);
        var choice = new List<Ranked>(walk.Length);
        foreach (var place in walk)
        {
            if (view.OnRing(place) is not { TakesCopies: true } node || IsFull(node, size)) continue;
            if (holders?.Contains(node.Id) == true || exclude?.Contains(node.Id) == true) continue;
            choice.Add(new Ranked(node, view.Fill.Overloads(node, rules) ? 1 : 0));
        }

        return Pick(choice, copies, ZonesOf(view, holders ?? []));
    }

    /// <summary>
    /// Whom to ask for room for an upload: the candidates, and where they are fewer than it needs, also those that this view takes for full, the emptiest first. What a view says of room is
    /// as old as the last beat, and room that was being set aside just then may be counted twice in it; the node itself knows, and an upload is refused by its word alone.
    /// </summary>
    /// <param name="least">Copies below which an upload is refused.</param>
    /// <param name="holders">Nodes that have it already: not asked again, and their zones count as taken.</param>
    public static IReadOnlyList<NodeView> ToAsk(
        ClusterView view, FileName name, long size, int copies, int least, PlacementRules rules, IReadOnlyCollection<NodeId>? holders = null)
    {
        var candidates = Candidates(view, name, size, copies, rules, holders);
        if (candidates.Count >= least) return candidates;
        var full = view.Nodes.Where(node => node.TakesCopies && IsFull(node, size) && node.Space.Capacity >= size && holders?.Contains(node.Id) != true).OrderByDescending(node => node.Space.Free);
        return [.. candidates, .. full.Take(copies)];
    }

    /// <summary>
    /// The holders of a movie in the order in which they keep it: the first <paramref name="copies"/> stay when there are more. The ring's
    /// choice first, zones distinct; then overloaded nodes, then full ones and those closed for writes; draining ones after all these, and dead or unknown
    /// ones last.
    /// </summary>
    public static IReadOnlyList<NodeId> RankHolders(
        ClusterView view, FileName name, int copies, PlacementRules rules, IReadOnlyCollection<NodeId> holders)
    {
        var settled = new List<Ranked>(holders.Count);
        var leaving = new List<NodeId>();
        foreach (var id in view.Ring.Walk(name))
        {
            if (!holders.Contains(id) || view.Find(id) is not { Alive: true } node) continue;
            if (node.Draining) leaving.Add(id);
            else settled.Add(new Ranked(node, Standing(node)));
        }

        var ranked = Pick(settled, copies, zones: null).Select(node => node.Id).Concat(leaving).ToList();
        ranked.AddRange(holders.Except(ranked).Order());
        return ranked;

        int Standing(NodeView node) => IsFull(node, 0) || node.ClosedForWrites is not null ? 2 : view.Fill.Overloads(node, rules) ? 1 : 0;
    }

    /// <summary>
    /// Whether a copy of this size would go below the node's reserve. A node without a free byte is full even for an empty movie: its sidecars need room
    /// too.
    /// </summary>
    public static bool IsFull(NodeView node, long size)
    {
        var free = node.Space.Free - node.Pending;
        return free <= 0 || free < size;
    }

    /// <summary>How good a node is for a further copy, 0 the best: a zone that is not taken yet counts more than how the node stands.</summary>
    /// <param name="standing">0; 1: overloaded.</param>
    /// <param name="zones">Those that have a copy.</param>
    public static int Rank(NodeView node, int standing, HashSet<string>? zones) =>
        // A node without a zone shares its fate with nobody: it is a zone of its own.
        node.Zone is { } zone && zones?.Contains(zone) == true ? standing + Picked : standing;

    /// <summary>The zones of the holders; null: none of them has one.</summary>
    public static HashSet<string>? ZonesOf(ClusterView view, IReadOnlyCollection<NodeId> holders)
    {
        HashSet<string>? zones = null;
        foreach (var id in holders)
            if (view.Find(id)?.Zone is { } zone) (zones ??= new HashSet<string>(StringComparer.Ordinal)).Add(zone);
        return zones;
    }

    private static List<NodeView> Pick(List<Ranked> choice, int copies, HashSet<string>? zones)
    {
        var picked = new List<NodeView>(choice.Count);
        while (picked.Count < copies && Best(choice, zones) is { } best)
        {
            picked.Add(choice[best].Node);
            if (choice[best].Node.Zone is { } zone) (zones ??= new HashSet<string>(StringComparer.Ordinal)).Add(zone);
            choice[best] = choice[best] with { Standing = Picked };
        }

        for (var standing = 0; standing < Picked; standing++)
            foreach (var candidate in choice)
                if (candidate.Standing == standing) picked.Add(candidate.Node);
        return picked;
    }

    /// <summary>The first of the best in the order of the walk.</summary>
    private static int? Best(List<Ranked> choice, HashSet<string>? zones)
    {
        var (best, rank) = ((int?)null, int.MaxValue);
        for (var at = 0; at < choice.Count && rank > 0; at++)
        {
            var (node, standing) = choice[at];
            if (standing == Picked) continue;
            if (Rank(node, standing, zones) is var own && own < rank) (best, rank) = (at, own);
        }

        return best;
    }

    private readonly record struct Ranked(NodeView Node, int Standing);
}
