using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// What to heal next (design, section 6): the movies with the fewest counted copies first, onto the nodes that placement chooses. A copy counts when it is
/// sealed, undamaged, on a live node that is not draining. When the chosen node has its hands full, the movie waits for it rather than going
/// elsewhere: other movies fill the other nodes, and the result stays where the ring says.
/// </summary>
public static class RepairPlanner
{
    /// <param name="inGrace">Whether this master has just started: what has not been reported yet is not missing.</param>
    /// <param name="running">All pulls under way, of whatever version.</param>
    public static IReadOnlyList<PlannedPull> Plan(
        ClusterView view,
        IReadOnlyCollection<RepairCandidate> candidates,
        IReadOnlyCollection<RunningPull> running,
        IReadOnlyDictionary<NodeId, NodeActivity> activity,
        RepairRules rules,
        bool inGrace)
    {
        if (inGrace || candidates.Count == 0) return [];
        var run = new Run(view, running, activity, rules);
        foreach (var rank in ByCountedCopies(view, candidates, rules))
            foreach (var candidate in rank)
            {
                if (run.Exhausted) return run.Plan;
                run.Heal(candidate);
            }

        return run.Plan;
    }

    /// <summary>Copies that count against the goal.</summary>
    public static int Counted(ClusterView view, IReadOnlyList<HeldCopy> copies)
    {
        var counted = 0;
        for (var i = 0; i < copies.Count; i++)
            if (Counts(view, copies[i])) counted++;
        return counted;
    }

    internal static bool Counts(ClusterView view, HeldCopy copy) =>
        copy is { Damaged: false, Leaving: false } && view.Find(copy.Node) is { Alive: true, Draining: false, Failed: null };

    // One pass into one list per number of copies: no sorting of a hundred thousand movies for the sake of the first few.
    private static List<RepairCandidate>[] ByCountedCopies(ClusterView view, IReadOnlyCollection<RepairCandidate> candidates, RepairRules rules)
    {
        var ranks = new List<RepairCandidate>[CopyGoal.Of(rules.ReplicationFactor, view)];
        for (var i = 0; i < ranks.Length; i++) ranks[i] = [];
        foreach (var candidate in candidates)
            if (Counted(view, candidate.Copies) is var counted && counted < ranks.Length) ranks[counted].Add(candidate);
        return ranks;
    }

    /// <summary>One planning: the slots and promises that it has already given away.</summary>
    private sealed class Run
    {
        private readonly IReadOnlyDictionary<NodeId, NodeActivity> _activity;
        private readonly RepairRules _rules;
        private readonly int _goal;
        private readonly Dictionary<NodeId, int> _slots = [];
        private readonly Dictionary<NodeId, int> _sending = [];
        private readonly ILookup<long, NodeId> _targets;
        private ClusterView _view;
        private int _left;

        public Run(ClusterView view, IReadOnlyCollection<RunningPull> running, IReadOnlyDictionary<NodeId, NodeActivity> activity, RepairRules rules)
        {
            (_view, _activity, _rules, _goal) = (view, activity, rules, CopyGoal.Of(rules.ReplicationFactor, view));
            foreach (var node in view.Nodes)
                if (node is { Alive: true, Draining: false, ClosedForWrites: null }) _slots[node.Id] = rules.PullsPerTarget;
            var alive = running.Where(pull => view.Find(pull.Target)?.Alive == true).ToList();
            foreach (var pull in alive)
                if (_slots.TryGetValue(pull.Target, out var slots)) Take(pull.Target, slots);
            _targets = alive.ToLookup(pull => pull.Version.Number, pull => pull.Target);
            _left = rules.PullsInTotal - alive.Count;
        }

        public List<PlannedPull> Plan { get; } = [];

        public bool Exhausted => _left <= 0 || _slots.Count == 0;

        public void Heal(RepairCandidate candidate)
        {
            var version = candidate.Replica.Version;
            var copies = candidate.Copies.Where(copy => !copy.Leaving && _view.Find(copy.Node)?.Alive == true).ToList();
            if (copies.Count == 0) return;

            // A node that said goodbye a moment ago brings its copy back, as after a restart: it is no source, and nothing is made in its place yet.
            var expected = candidate.Copies.Where(copy => !copy.Leaving && !copy.Damaged && _view.Find(copy.Node) is { IsWaitedFor: true });
            var kept = copies.Where(copy => Counts(_view, copy)).Concat(expected).Select(copy => copy.Node).Concat(candidate.Expected ?? []).Concat(_targets[version.Number]).Distinct().ToList();
            // A damaged copy is healed where it lies: most of its blocks are good already.
            foreach (var damaged in copies.Where(copy => copy.Damaged && !kept.Contains(copy.Node) && candidate.Avoid?.Contains(copy.Node) != true))
            {
                if (kept.Count >= _goal) return;
                if (_slots.ContainsKey(damaged.Node) && Order(candidate, copies, damaged.Node)) kept.Add(damaged.Node);
            }

            if (kept.Count >= _goal || candidate.UnderReplicatedFor < _rules.RepairDelay) return;
            // One damaged copy alone cannot make a whole one elsewhere; two may have their good blocks in different places.
            if (copies.TrueForAll(copy => copy.Damaged) && copies.Count < 2) return;

            List<NodeId> exclude = [.. candidate.Copies.Select(copy => copy.Node), .. candidate.Avoid ?? []];
            var missing = _goal - kept.Count;
            var choice = Placement.Candidates(
                _view, candidate.Replica.Name, candidate.Replica.Size, missing, _rules.Placement, holders: kept, exclude: exclude);
            foreach (var target in choice.Take(missing))
                if (_slots.ContainsKey(target.Id) && Order(candidate, copies, target.Id)) Promise(target, candidate.Replica.Size);
        }

        private bool Order(RepairCandidate candidate, List<HeldCopy> copies, NodeId target)
        {
            var sources = copies
                .Where(copy => copy.Node != target)
                .OrderBy(copy => copy.Damaged).ThenBy(copy => StreamsOf(copy.Node)).ThenBy(copy => copy.Node)
                .Select(copy => new PullSource(copy.Node, _view.Find(copy.Node)!.Address))
                .ToList();
            if (sources.Count == 0 || _left <= 0) return false;
            Plan.Add(new PlannedPull(target, new PullOrder(candidate.Replica, sources)));
            _sending[sources[0].Node] = _sending.GetValueOrDefault(sources[0].Node) + 1;
            _left--;
            Take(target, _slots[target]);
            return true;
        }

        private void Take(NodeId target, int slots)
        {
            if (slots > 1) _slots[target] = slots - 1;
            else _slots.Remove(target);
        }

        private int StreamsOf(NodeId node) =>
            (_activity.TryGetValue(node, out var busy) ? busy.Streams : 0) + _sending.GetValueOrDefault(node);

        // What this plan sends to a node must be seen by its next choices, or a nearly full node would be promised twice.
        private void Promise(NodeView node, long size) =>
            _view = new ClusterView(_view.Nodes.Replace(node, node with { Pending = node.Pending + size }), _view.Ring);
    }
}
