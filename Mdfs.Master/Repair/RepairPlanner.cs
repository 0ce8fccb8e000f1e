using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// What to heal next (design, section 6): the movies with the fewest counted copies first. A copy counts when it is sealed, undamaged, on a live node that is not
/// draining. Onto which nodes they go is said by <see cref="Takers"/>; of movies that are equally urgent those come first whose holders have little to send.
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
        if (!view.Nodes.Any(static node => node.DrainBytesPerSecond > 0))
        {
            run.Heal(candidates);
            return run.Plan;
        }

        // What a drain with a limit wants is there meanwhile, and takes nobody's place.
        var slow = candidates.ToLookup(candidate => run.Pace(candidate) > 0);
        run.Heal([.. slow[false]]);
        run.Heal([.. slow[true]]);
        return run.Plan;
    }

    /// <summary>One planning: the slots and promises that it has already given away.</summary>
    private sealed class Run
    {
        private readonly ClusterView _view;
        private readonly IReadOnlyDictionary<NodeId, NodeActivity> _activity;
        private readonly RepairRules _rules;
        private readonly int _goal;
        private readonly Takers _takers;
        private readonly Dictionary<NodeId, int> _sending = [];
        private readonly Dictionary<NodeId, int> _planned = [];
        private readonly ILookup<long, NodeId> _targets;
        private readonly int _mostTargets;
        private int _left;

        public Run(ClusterView view, IReadOnlyCollection<RunningPull> running, IReadOnlyDictionary<NodeId, NodeActivity> activity, RepairRules rules)
        {
            (_view, _activity, _rules, _goal) = (view, activity, rules, CopyGoal.Of(rules.ReplicationFactor, view));
            _takers = new Takers(view, rules.Placement, rules.PullsPerTarget, rules.PullsAtOnce);
            var alive = running.Where(pull => view.Find(pull.Target)?.Alive == true).ToList();
            foreach (var pull in alive)
            {
                _takers.Give(pull.Target, pull.BytesToGo);
                if (pull.Source is { } source) _sending[source] = _sending.GetValueOrDefault(source) + 1;
            }

            _targets = alive.ToLookup(pull => pull.Version.Number, pull => pull.Target);
            _mostTargets = _targets.Select(static targets => targets.Count()).DefaultIfEmpty().Max();
            _left = rules.PullsInTotal - alive.Count;
        }

        public List<PlannedPull> Plan { get; } = [];

        private bool Exhausted => _left <= 0 || _takers.AllBusy;

        public long Pace(RepairCandidate candidate) => DrainPace.Of(_view, candidate, _goal);

        public void Heal(IReadOnlyCollection<RepairCandidate> candidates)
        {
            foreach (var rank in AlikeMovies.Group(_view, candidates, _goal)) Heal(rank);
        }

        /// <summary>
        /// Whoever has to send the most is not asked by everybody at once while others are asked by nobody: what only such nodes hold comes after the rest, in rounds that each let a node send twice as
        /// much as the one before.
        /// </summary>
        private void Heal(IReadOnlyCollection<AlikeMovies> rank)
        {
            IReadOnlyCollection<AlikeMovies> waiting = rank;
            for (var most = _rules.PullsAtOnce; waiting.Count > 0; most *= 2)
            {
                var later = new List<AlikeMovies>();
                foreach (var alike in waiting)
                {
                    while (alike.Next is { } candidate)
                    {
                        if (Exhausted) return;
                        if (AllSend(candidate, most))
                        {
                            later.Add(alike);
                            break;
                        }

                        var ordered = Plan.Count;
                        Heal(candidate);
                        alike.Pass();
                        // What was in vain for one is so for all that are alike, once everybody has all hands full.
                        if (Plan.Count == ordered && alike.AreWhole && _takers.AreAskedInVain(alike.LargestSize, alike.MostPassed + _mostTargets + _goal)) break;
                    }
                }

                waiting = later;
            }
        }

        /// <summary>Of all that are alike.</summary>
        private bool AllSend(RepairCandidate candidate, int most)
        {
            var sending = false;
            for (var at = 0; at < candidate.Copies.Count; at++)
            {
                if (candidate.Copies[at] is not { Leaving: false } copy || _view.Find(copy.Node) is not { Alive: true }) continue;
                if (_sending.GetValueOrDefault(copy.Node) < most) return false;
                sending = true;
            }

            return sending;
        }

        private void Heal(RepairCandidate candidate)
        {
            // Of many movies in vain: no more is looked at and made than has to be.
            var (copies, kept) = (new List<HeldCopy>(candidate.Copies.Count), new List<NodeId>(_goal + 1));
            for (var at = 0; at < candidate.Copies.Count; at++)
            {
                if (candidate.Copies[at] is not { Leaving: false } copy || _view.Find(copy.Node) is not { } node) continue;
                if (node.Alive) copies.Add(copy);
                // A node that said goodbye a moment ago brings its copy back, as after a restart: it is no source, and nothing is made in its place yet.
                if (Copies.Counts(_view, copy) || (!copy.Damaged && node.IsWaitedFor)) kept.Add(copy.Node);
            }

            if (copies.Count == 0) return;
            foreach (var node in candidate.Expected ?? [])
                if (!kept.Contains(node)) kept.Add(node);
            foreach (var node in _targets[candidate.Replica.Version.Number])
                if (!kept.Contains(node)) kept.Add(node);
            // A damaged copy is healed where it lies: most of its blocks are good already.
            foreach (var damaged in copies)
            {
                if (!damaged.Damaged || kept.Contains(damaged.Node) || candidate.Avoid?.Contains(damaged.Node) == true) continue;
                if (kept.Count >= _goal) return;
                if (!_takers.IsBusy(damaged.Node) && Order(candidate, copies, damaged.Node)) kept.Add(damaged.Node);
            }

            if (kept.Count >= _goal || candidate.UnderReplicatedFor < _rules.RepairDelay) return;
            // One damaged copy alone cannot make a whole one elsewhere; two may have their good blocks in different places.
            if (copies is [{ Damaged: true }]) return;

            var exclude = new List<NodeId>(candidate.Copies.Count);
            for (var at = 0; at < candidate.Copies.Count; at++) exclude.Add(candidate.Copies[at].Node);
            exclude.AddRange(candidate.Avoid ?? []);
            while (kept.Count < _goal)
            {
                if (_takers.Choose(candidate.Replica.Name, candidate.Replica.Size, kept, exclude) is { } target)
                {
                    if (!Order(candidate, copies, target)) return;
                    _takers.Promise(target, candidate.Replica.Size);
                    kept.Add(target);
                }
                else
                {
                    // While one copy waits for a node of its own zone, say, another may be made.
                    if (kept.Count + 1 >= _goal || _takers.Awaited(candidate.Replica.Size, kept, exclude) is not { } busy) return;
                    kept.Add(busy);
                }
            }
        }

        private bool Order(RepairCandidate candidate, List<HeldCopy> copies, NodeId target)
        {
            var sources = copies
                .Where(copy => copy.Node != target)
                .OrderBy(copy => copy.Damaged).ThenBy(copy => StreamsOf(copy.Node)).ThenBy(copy => copy.Node)
                .Select(copy => new PullSource(copy.Node, _view.Find(copy.Node)!.Address))
                .ToList();
            if (sources.Count == 0 || _left <= 0) return false;
            Plan.Add(new PlannedPull(target, new PullOrder(candidate.Replica, sources, DrainPace.OfEach(Pace(candidate), _rules.SlowAtOnce))));
            _sending[sources[0].Node] = _sending.GetValueOrDefault(sources[0].Node) + 1;
            _planned[sources[0].Node] = _planned.GetValueOrDefault(sources[0].Node) + 1;
            _left--;
            _takers.Give(target, candidate.Replica.Size);
            return true;
        }

        private int StreamsOf(NodeId node) =>
            (_activity.TryGetValue(node, out var busy) ? busy.Streams : 0) + _planned.GetValueOrDefault(node);
    }
}
