using Mdfs.Master.Cluster;

namespace Mdfs.Master.Repair;

/// <summary>
/// Movies that have as many counted copies and can be copied from the same nodes, in the order in which they came. After the loss of a node out of a hundred three hundred thousand movies lack a copy and are
/// planned for every few seconds; what is true of one is true of all that are alike, and there are as many kinds as nodes that send.
/// </summary>
internal sealed class AlikeMovies
{
    /// <summary>Of a node's place in the key of a kind.</summary>
    private const int Bits = 16;

    /// <summary>Nodes in the key of a kind. Movies with more copies are few, and each is a kind by itself.</summary>
    private const int Most = 3;

    private readonly List<RepairCandidate> _movies = [];
    private int _next;

    /// <summary>None of them has a copy that could be healed where it lies.</summary>
    public bool AreWhole { get; private set; } = true;

    public long LargestSize { get; private set; }

    /// <summary>Nodes to which one of them is not copied, at most.</summary>
    public int MostPassed { get; private set; }

    /// <summary>The first that was not passed; null: all were.</summary>
    public RepairCandidate? Next => _next < _movies.Count ? _movies[_next] : null;

    public void Pass() => _next++;

    /// <summary>All that have fewer counted copies than the goal is, by how many they have.</summary>
    public static IReadOnlyList<IReadOnlyCollection<AlikeMovies>> Group(ClusterView view, IReadOnlyCollection<RepairCandidate> candidates, int goal)
    {
        var ranks = new Dictionary<ulong, AlikeMovies>[goal];
        for (var i = 0; i < ranks.Length; i++) ranks[i] = [];
        var alone = ulong.MaxValue;
        foreach (var candidate in candidates)
        {
            var (counted, sources, key) = (0, 0, 0UL);
            for (var at = 0; at < candidate.Copies.Count; at++)
            {
                var copy = candidate.Copies[at];
                if (copy.Leaving || view.PlaceOf(copy.Node) is not (>= 0 and var place) || view.Nodes[place] is not { Alive: true } node) continue;
                if (node.Counts && !copy.Damaged) counted++;
                key = (key << Bits) | (uint)(place + 1);
                sources++;
            }

            if (counted >= goal) continue;
            if (sources > Most || view.Nodes.Length >= 1 << Bits) key = alone--;
            if (!ranks[counted].TryGetValue(key, out var alike)) ranks[counted][key] = alike = new AlikeMovies();
            alike.Add(candidate);
        }

        return [.. ranks.Select(static rank => rank.Values)];
    }

    private void Add(RepairCandidate candidate)
    {
        _movies.Add(candidate);
        LargestSize = Math.Max(LargestSize, candidate.Replica.Size);
        MostPassed = Math.Max(MostPassed, candidate.Copies.Count + (candidate.Avoid?.Count ?? 0) + (candidate.Expected?.Count ?? 0));
        for (var at = 0; at < candidate.Copies.Count; at++) AreWhole &= !candidate.Copies[at].Damaged;
    }
}
