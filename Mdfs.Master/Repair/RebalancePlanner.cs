using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>A copy to be moved.</summary>
public sealed record PlannedMove(ReplicaDescription Replica, NodeId From, NodeId To);

/// <summary>A node before and after.</summary>
/// <param name="Share">Bytes that it would hold if all nodes were equally full.</param>
public sealed record NodeBalance(NodeId Node, long Before, long After, long Share);

/// <summary>What it takes to make the nodes equally full.</summary>
/// <param name="Unavoidable">Bytes that must move at least, whatever the plan: what all nodes together lack to their shares.</param>
public sealed record RebalancePlan(IReadOnlyList<PlannedMove> Moves, long Bytes, long Unavoidable, IReadOnlyList<NodeBalance> Nodes)
{
    public static readonly RebalancePlan Nothing = new([], 0, 0, []);
}

/// <summary>
/// Which copies to move after a node has joined (design, section 6). A copy goes only from a node that stays at or above its share to one that stays at or below
/// its own: so nothing is ever moved twice, no more is moved than is unavoidable, and no node is filled beyond what it can hold. Among the copies that may go
/// those are first for which the ring would choose the new place; and no move brings copies into fewer zones.
/// </summary>
public static class RebalancePlanner
{
    /// <summary>A node that lacks no more than this fraction of its share is left alone: the last percent would move small movies for nothing.</summary>
    private const double Slack = 0.01;

    /// <param name="movies">All current versions, with their reported copies: what a node has is counted from these.</param>
    /// <param name="underway">Moves that have been begun: counted as done, and their movies left alone.</param>
    /// <param name="healing">Copies that are being made since they lack: counted as made.</param>
    /// <param name="avoid">Movies to be left where they are.</param>
    public static RebalancePlan Plan(
        ClusterView view, IEnumerable<(ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies)> movies, IReadOnlyCollection<Move> underway, int replicationFactor,
        IReadOnlyCollection<RunningPull>? healing = null, IReadOnlySet<MovieVersion>? avoid = null)
    {
        var all = movies.ToList();
        var balance = new Balance(view, all, underway, healing ?? []);
        var moves = new List<PlannedMove>();
        // The large ones first: they make the fewest moves, and the small ones fill what is left.
        all.Sort(static (one, other) => other.Replica.Size != one.Replica.Size ? other.Replica.Size.CompareTo(one.Replica.Size) : one.Replica.Version.CompareTo(other.Replica.Version));
        var goal = CopyGoal.Of(replicationFactor, view);
        var moved = underway.Select(move => move.Version).Concat(avoid ?? new HashSet<MovieVersion>()).ToHashSet();
        foreach (var byRing in new[] { true, false })
        {
            foreach (var (replica, copies) in all)
            {
                if (balance.IsEven) break;
                if (replica.Size == 0 || moved.Contains(replica.Version) || !balance.IsWorthIt(replica.Size)) continue;
                // What lacks a copy is healed first, and what has one too many is trimmed.
                if (copies.Count != goal || Copies.Count(view, copies) != goal) continue;
                if (Choose(view, balance, replica, copies, goal, byRing) is not { } move) continue;
                balance.Apply(move);
                moved.Add(replica.Version);
                moves.Add(move);
            }
        }

        return new RebalancePlan(moves, moves.Sum(move => move.Replica.Size), balance.Unavoidable, balance.Describe());
    }

    private static PlannedMove? Choose(ClusterView view, Balance balance, ReplicaDescription replica, IReadOnlyList<HeldCopy> copies, int goal, bool byRing)
    {
        if (!copies.Any(copy => balance.CanGive(copy.Node, replica.Size))) return null;
        var home = view.Ring.Walk(replica.Name, goal);
        var holders = copies.Select(copy => copy.Node).ToList();
        var givers = holders.Where(node => balance.CanGive(node, replica.Size)).OrderBy(node => home.Contains(node)).ThenByDescending(balance.Excess).ToList();
        var takers = (byRing ? home.Where(node => balance.CanTake(node, replica.Size)) : balance.Takers(replica.Size)).Where(node => !holders.Contains(node)).OrderByDescending(balance.Lack);
        var zones = Zones(view, holders);
        foreach (var to in takers)
        {
            foreach (var from in givers)
            {
                if (Zones(view, holders.Where(node => node != from).Append(to)) >= zones) return new PlannedMove(replica, from, to);
            }
        }

        return null;
    }

    private static int Zones(ClusterView view, IEnumerable<NodeId> nodes) =>
        nodes.Select(node => view.Find(node)?.Zone is { } zone ? "zone " + zone : "node " + node).Distinct(StringComparer.Ordinal).Count();

    /// <summary>Who has how much, and who should.</summary>
    private sealed class Balance
    {
        private readonly Dictionary<NodeId, Weight> _weights = [];

        // By the same copies as everything else here. What a beat has told of a node's space is of another moment: a copy that has come or gone since would be counted twice or not at all, and a plan made
        // anew, as by a master that has just started, would move too much.
        public Balance(ClusterView view, List<(ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies)> movies, IReadOnlyCollection<Move> underway, IReadOnlyCollection<RunningPull> healing)
        {
            var nodes = view.Nodes.Where(static node => node.TakesCopies).ToList();
            foreach (var node in nodes) _weights[node.Id] = new Weight(Math.Max(0, node.Space.Free - node.Pending));
            var changing = underway.Select(static move => move.Version).Concat(healing.Select(static pull => pull.Version)).ToHashSet();
            var held = new Dictionary<MovieVersion, (long Size, IReadOnlyList<HeldCopy> Copies)>();
            foreach (var (replica, copies) in movies)
            {
                if (changing.Contains(replica.Version)) held[replica.Version] = (replica.Size, copies);
                for (var at = 0; at < copies.Count; at++)
                    if (_weights.TryGetValue(copies[at].Node, out var holder)) holder.Hold(replica.Size);
            }

            foreach (var move in underway)
            {
                if (!Has(move.Version, move.To)) Take(move.To, move.Size);
                if (_weights.TryGetValue(move.From, out var from) && Has(move.Version, move.From)) from.Give(move.Size);
            }

            foreach (var pull in healing)
                if (held.TryGetValue(pull.Version, out var movie) && !Has(pull.Version, pull.Target)) Take(pull.Target, movie.Size);

            double load = _weights.Values.Sum(weight => weight.Load), capacity = nodes.Sum(node => Math.Max(0, node.Space.Capacity));
            foreach (var node in nodes) _weights[node.Id].Share = capacity > 0 ? (long)(load / capacity * Math.Max(0, node.Space.Capacity)) : 0;
            foreach (var weight in _weights.Values) weight.Before = weight.Load;
            Unavoidable = _weights.Values.Sum(weight => Math.Max(0, weight.Share - weight.Load));

            bool Has(MovieVersion version, NodeId node) => held.TryGetValue(version, out var movie) && movie.Copies.Any(copy => copy.Node == node);

            void Take(NodeId node, long size)
            {
                if (_weights.TryGetValue(node, out var to)) to.Take(size);
            }
        }

        public long Unavoidable { get; }

        /// <summary>Nobody lacks anything that is worth a move, or nobody has it.</summary>
        public bool IsEven => !_weights.Values.Any(weight => weight.Lacks) || !_weights.Values.Any(weight => weight.Excess > 0);

        public bool IsWorthIt(long size) => _weights.Values.Any(weight => weight.CanTake(size)) && _weights.Values.Any(weight => weight.Excess >= size);

        public long Excess(NodeId node) => _weights.TryGetValue(node, out var weight) ? weight.Excess : 0;

        public long Lack(NodeId node) => -Excess(node);

        public bool CanGive(NodeId node, long size) => Excess(node) >= size;

        public bool CanTake(NodeId node, long size) => _weights.TryGetValue(node, out var weight) && weight.CanTake(size);

        public IEnumerable<NodeId> Takers(long size) => _weights.Where(pair => pair.Value.CanTake(size)).Select(pair => pair.Key);

        public void Apply(PlannedMove move)
        {
            _weights[move.From].Give(move.Replica.Size);
            _weights[move.To].Take(move.Replica.Size);
        }

        public IReadOnlyList<NodeBalance> Describe() => [.. _weights.Select(pair => new NodeBalance(pair.Key, pair.Value.Before, pair.Value.Load, pair.Value.Share))];
    }

    private sealed class Weight(long room)
    {
        private long _room = room;

        public long Load { get; private set; }

        public long Before { get; set; }

        public long Share { get; set; }

        public long Excess => Load - Share;

        public bool Lacks => Share - Load > Share * Slack;

        public bool CanTake(long size) => Lacks && Load + size <= Share && size < _room;

        /// <summary>Lies there already.</summary>
        public void Hold(long size) => Load += size;

        public void Take(long size)
        {
            Load += size;
            _room -= size;
        }

        // Its room is free only when the copy is gone: nothing is planned on it.
        public void Give(long size) => Load -= size;
    }
}
