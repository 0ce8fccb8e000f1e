using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Where the copies of a movie go, and, by the same preferences, which of too many stay (design, sections 3 and 6): what the one places the
/// other never removes, so that healing, trimming and rebalancing cannot undo one another. A function of one <see cref="ClusterView"/>.
/// </summary>
public static class Placement
{
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
        var fill = ClusterFill.Of(view);
        var choice = new List<Ranked>(view.Ring.NodeCount);
        foreach (var id in view.Ring.Walk(name))
        {
            if (holders?.Contains(id) == true || exclude?.Contains(id) == true) continue;
            if (view.Find(id) is not { Alive: true, Draining: false, ClosedForWrites: null } node || IsFull(node, size)) continue;
            choice.Add(new Ranked(node, fill.Overloads(node, rules) ? 1 : 0));
        }

        var zones = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in holders ?? [])
            if (view.Find(id) is { } holder) zones.Add(ZoneOf(holder));
        return Pick(choice, copies, zones);
    }

    /// <summary>
    /// The holders of a movie in the order in which they keep it: the first <paramref name="copies"/> stay when there are more. The ring's
    /// choice first, zones distinct; then overloaded nodes, then full ones and those closed for writes; draining ones after all these, and dead or unknown
    /// ones last.
    /// </summary>
    public static IReadOnlyList<NodeId> RankHolders(
        ClusterView view, FileName name, int copies, PlacementRules rules, IReadOnlyCollection<NodeId> holders)
    {
        var fill = ClusterFill.Of(view);
        var settled = new List<Ranked>(holders.Count);
        var leaving = new List<NodeId>();
        foreach (var id in view.Ring.Walk(name))
        {
            if (!holders.Contains(id) || view.Find(id) is not { Alive: true } node) continue;
            if (node.Draining) leaving.Add(id);
            else settled.Add(new Ranked(node, Standing(node)));
        }

        var ranked = Pick(settled, copies, new HashSet<string>(StringComparer.Ordinal)).Select(node => node.Id).Concat(leaving).ToList();
        ranked.AddRange(holders.Except(ranked).Order());
        return ranked;

        int Standing(NodeView node) => IsFull(node, 0) || node.ClosedForWrites is not null ? 2 : fill.Overloads(node, rules) ? 1 : 0;
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

    private static List<NodeView> Pick(List<Ranked> choice, int copies, HashSet<string> zones)
    {
        var picked = new List<NodeView>(choice.Count);
        while (picked.Count < copies && choice.Count > 0)
        {
            // MinBy keeps the first of equals, which is the order of the walk.
            var best = choice.MinBy(candidate => (zones.Contains(ZoneOf(candidate.Node)), candidate.Standing));
            choice.Remove(best);
            zones.Add(ZoneOf(best.Node));
            picked.Add(best.Node);
        }

        picked.AddRange(choice.OrderBy(candidate => candidate.Standing).Select(candidate => candidate.Node));
        return picked;
    }

    // A node without a zone shares its fate with nobody: it is a zone of its own.
    private static string ZoneOf(NodeView node) => node.Zone is null ? "node " + node.Id : "zone " + node.Zone;

    private readonly record struct Ranked(NodeView Node, int Standing);
}
