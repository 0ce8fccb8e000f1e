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
        var takers = new Takers(draining, rules, most: int.MaxValue, atOnce: 0);
        foreach (var (replica, copies) in movies)
        {
            var missing = goal - Copies.Count(draining, copies);
            if (missing <= 0) continue;
            plan = plan with { Movies = plan.Movies + 1, Bytes = plan.Bytes + (replica.Size * missing) };
            List<NodeId> holders = [.. copies.Select(copy => copy.Node)];
            for (; missing > 0; missing--)
            {
                if (takers.Choose(replica.Name, replica.Size, holders, exclude: []) is not { } target)
                {
                    plan = plan with { WithoutRoom = plan.WithoutRoom + 1 };
                    break;
                }

                takers.Give(target, replica.Size);
                takers.Promise(target, replica.Size);
                holders.Add(target);
            }
        }

        return plan;
    }
}
