using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>What the operator may set about trimming.</summary>
/// <param name="TrimGrace">How long a version must have had too many copies.</param>
/// <param name="BeatPeriod">A node that keeps a copy must have beat within it.</param>
public sealed record TrimRules(PlacementRules Placement, int ReplicationFactor, TimeSpan TrimGrace, TimeSpan BeatPeriod);

/// <summary>A current version that has more replicas on live nodes than it needs.</summary>
/// <param name="Copies">All its replicas that have been reported to this master, damaged and leaving ones included.</param>
/// <param name="SurplusFor">Monotonic time since it had too many.</param>
/// <param name="Named">The node whose copy a move removes; null: placement chooses. No grace is waited for then, since the copy that takes its place was just made.</param>
public sealed record TrimCandidate(ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies, TimeSpan SurplusFor, NodeId? Named = null);

/// <summary>What is to be done about one version's surplus: nothing, re-read the copies that stay, or remove one.</summary>
/// <param name="Remove">The node whose copy goes; the order to it is made when its beat is answered, and only if asking again says the same.</param>
/// <param name="Verify">Nodes whose copies are to stay and have not been re-read since they came back.</param>
public sealed record TrimVerdict(NodeId? Remove, IReadOnlyList<NodeId> Verify)
{
    public static readonly TrimVerdict Nothing = new(null, []);
}

/// <summary>A copy to re-read before a surplus one may go.</summary>
public readonly record struct PlannedVerify(NodeId Node, MovieVersion Version);

/// <summary>
/// Which surplus copy goes (design, section 6): one at a time per version, after the grace, and only while every copy that stays is certain.
/// The order removes bytes, so it is asked for when the holder's beat is answered and is never queued.
/// </summary>
public static class TrimPlanner
{
    /// <param name="inGrace">Whether this master has just started.</param>
    public static TrimVerdict Judge(
        ClusterView view, TrimCandidate candidate, IReadOnlyDictionary<NodeId, NodeActivity> activity, TrimRules rules, bool inGrace)
    {
        var goal = CopyGoal.Of(rules.ReplicationFactor, view);
        if (inGrace || candidate.Copies.Count <= goal || (candidate.Named is null && candidate.SurplusFor < rules.TrimGrace)) return TrimVerdict.Nothing;
        // One at a time: while a removal may still happen, what would be left cannot be known. A silent node may never say what became of it, and its copy is not among those that stay.
        if (candidate.Copies.Any(copy => copy.Leaving && view.Find(copy.Node) is { Alive: true })) return TrimVerdict.Nothing;

        var live = candidate.Copies.Where(copy => view.Find(copy.Node) is { HasItsCopies: true }).ToDictionary(copy => copy.Node);
        var ranked = Placement.RankHolders(
            view, candidate.Replica.Name, goal, rules.Placement, [.. live.Values.Where(copy => Copies.Counts(view, copy) && copy.Node != candidate.Named).Select(copy => copy.Node)]);
        if (ranked.Count < goal || live.Count <= goal) return TrimVerdict.Nothing;

        var kept = ranked.Take(goal).ToList();
        if (!kept.TrueForAll(node => activity.TryGetValue(node, out var heard) && heard.SinceBeat <= rules.BeatPeriod)) return TrimVerdict.Nothing;
        var doubtful = kept.Where(node => !live[node].Verified).ToList();
        if (doubtful.Count > 0) return new TrimVerdict(null, doubtful);
        if (candidate.Named is { } named && live.ContainsKey(named)) return new TrimVerdict(named, []);

        // What does not count goes first: damaged copies, then those on draining nodes, then the last of the ranking.
        var surplus = live.Values
            .Where(copy => !kept.Contains(copy.Node))
            .OrderByDescending(copy => copy.Damaged)
            .ThenBy(copy => ranked.Contains(copy.Node))
            .ThenByDescending(copy => IndexIn(ranked, copy.Node))
            .ThenBy(copy => copy.Node)
            .First();
        return new TrimVerdict(surplus.Node, []);
    }

    /// <summary>The copies that have to be re-read before trimming can go on, over all versions with a surplus.</summary>
    public static IEnumerable<PlannedVerify> Verifies(
        ClusterView view, IEnumerable<TrimCandidate> candidates, IReadOnlyDictionary<NodeId, NodeActivity> activity, TrimRules rules, bool inGrace) =>
        candidates.SelectMany(candidate => Judge(view, candidate, activity, rules, inGrace).Verify
            .Select(node => new PlannedVerify(node, candidate.Replica.Version)));

    private static int IndexIn(IReadOnlyList<NodeId> ranked, NodeId node)
    {
        for (var i = 0; i < ranked.Count; i++)
            if (ranked[i] == node) return i;
        return -1;
    }
}
