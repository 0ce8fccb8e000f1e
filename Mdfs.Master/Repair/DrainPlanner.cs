using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>What it takes to empty a node.</summary>
/// <param name="Movies">Of which a copy has to be made elsewhere.</param>
/// <param name="Bytes">That have to be copied.</param>
/// <param name="WithoutRoom">Movies for which no other node has room.</param>
/// <param name="Missed">Copies that every movie would have less than it should, since too few nodes are left.</param>
public sealed record DrainPlan(int Movies, long Bytes, int WithoutRoom, int Missed);

/// <summary>
/// What a drain would do, or has left to do (design, section 6). It decides nothing: the copies are made by the same planning as all healing, since a draining
/// node's copies do not count, and go from the node by the same trimming, when enough others stand.
/// </summary>
public static class DrainPlanner
{
    /// <param name="movies">Current versions of which the node holds a copy.</param>
    public static DrainPlan Plan(ClusterView view, NodeId node, IEnumerable<(ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies)> movies, int replicationFactor, PlacementRules rules)
    {
        var draining = view.Find(node) is { Draining: false } known ? new ClusterView(view.Nodes.Replace(known, known with { Draining = true }), view.Ring) : view;
        var goal = CopyGoal.Of(replicationFactor, draining);
        var plan = new DrainPlan(0, 0, 0, Math.Max(0, Math.Min(replicationFactor, CopyGoal.Of(replicationFactor, view)) - goal));
        foreach (var (replica, copies) in movies)
        {
            var missing = goal - RepairPlanner.Counted(draining, copies);
            if (missing <= 0) continue;
            var targets = Placement.Candidates(draining, replica.Name, replica.Size, missing, rules, holders: [.. copies.Select(copy => copy.Node)]).Take(missing).ToList();
            plan = plan with { Movies = plan.Movies + 1, Bytes = plan.Bytes + (replica.Size * missing), WithoutRoom = plan.WithoutRoom + (targets.Count < missing ? 1 : 0) };
            // What is planned for a node is seen by the next choices, or a nearly full one would be promised many times over.
            foreach (var target in targets)
            {
                if (draining.Find(target.Id) is { } now) draining = new ClusterView(draining.Nodes.Replace(now, now with { Pending = now.Pending + replica.Size }), draining.Ring);
            }
        }

        return plan;
    }
}
