using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// Copies that are planned and wait for a free place. So the reply to the beat that tells of a copy's end brings the order for the next one; else every node would be idle from there to the fixer's
/// next look, which takes longer than most copies.
/// </summary>
public sealed class PullsAhead
{
    /// <summary>Planned for one node beyond what it may do at once: looking at all movies after every copy would cost more than small copies do.</summary>
    public const int PerNode = 32;

    private readonly Lock _lock = new();
    private List<PlannedPull> _planned = [];

    /// <summary>The newest plan, in its order; what was left of the one before is no longer wanted.</summary>
    public void Replace(IEnumerable<PlannedPull> plan)
    {
        lock (_lock) _planned = [.. plan];
    }

    public void Clear() => Replace([]);

    /// <summary>Whether nothing waits for the node.</summary>
    public bool IsEmptyFor(NodeId node)
    {
        lock (_lock) return !_planned.Exists(planned => planned.Target == node);
    }

    /// <summary>What the node may begin now. Places that are scarce in the whole cluster go to those who come first in the plan, whoever beats first.</summary>
    /// <param name="running">Copies that each node is making.</param>
    /// <param name="perNode">That one node may make at once.</param>
    /// <param name="inTotal">That all nodes together may make at once.</param>
    /// <param name="slow">Of those that are running, the ones of a drain that has a limit: each has its share of that, so no more may run at once than it is shared by.</param>
    /// <param name="mostSlow">That all nodes together may make at once of these. Where there are two places or more, on a node or in all, they leave one, or healing would wait for what was asked to be slow.</param>
    public IReadOnlyList<PlannedPull> Take(NodeId node, IReadOnlyDictionary<NodeId, int> running, int perNode, int inTotal, IReadOnlyDictionary<NodeId, int> slow, int mostSlow)
    {
        var slowed = new Dictionary<NodeId, int>(slow);
        var freeSlow = Math.Min(mostSlow, Math.Max(1, inTotal - 1)) - slow.Values.Sum();
        var busy = new Dictionary<NodeId, int>(running);
        var free = inTotal - busy.Values.Sum();
        var taken = new List<PlannedPull>();
        lock (_lock)
        {
            foreach (var planned in _planned)
            {
                if (free <= 0 || busy.GetValueOrDefault(node) >= perNode) break;
                var makes = busy.GetValueOrDefault(planned.Target);
                if (makes >= perNode) continue;
                if (planned.Order.BytesPerSecond > 0)
                {
                    var slowly = slowed.GetValueOrDefault(planned.Target);
                    if (freeSlow <= 0 || slowly >= Math.Max(1, perNode - 1)) continue;
                    slowed[planned.Target] = slowly + 1;
                    freeSlow--;
                }

                busy[planned.Target] = makes + 1;
                free--;
                if (planned.Target == node) taken.Add(planned);
            }

            _planned.RemoveAll(taken.Contains);
        }

        return taken;
    }
}
