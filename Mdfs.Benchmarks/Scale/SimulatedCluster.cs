using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// A cluster on paper: nodes whose disks differ, and movies that are placed on them one after the other by the very function that the master uses. The movies are the same
/// in every run.
/// </summary>
internal sealed class SimulatedCluster
{
    private const byte Nobody = byte.MaxValue;

    // A master sees at once what it has promised; here some are placed by what was known before them, so that placing is not mostly the making of views.
    private readonly int _perView;

    private readonly int[] _parts;
    private readonly PlacementRules _rules;
    private readonly long _part;
    private readonly long[] _used;
    private readonly byte[] _holders;

    /// <param name="parts">How large each node's disk is, in parts.</param>
    /// <param name="filled">How full the cluster is when all movies are placed.</param>
    public SimulatedCluster(IEnumerable<int> parts, int copies, int movies, PlacementRules rules, double filled = 0.7)
    {
        (_parts, Copies, Movies, _rules, _perView) = ([.. parts], copies, movies, rules, Math.Max(1, movies / 10_000));
        Bytes = Enumerable.Range(0, movies).Sum(SizeOf);
        _part = (long)(Bytes * (double)copies / filled / _parts.Sum());
        _used = new long[_parts.Length];
        _holders = new byte[movies * copies];
        Ring = HashRing.Build(Views(_used).Select(node => (node.Id, node.RingKey)), rules.VirtualNodes);
        Place();
    }

    public int Copies { get; }

    public int Movies { get; }

    public int Nodes => _parts.Length;

    /// <summary>Of all movies, each counted once.</summary>
    public long Bytes { get; }

    public long SmallestDisk => _part * _parts.Min();

    public long LargestDisk => _part * _parts.Max();

    public HashRing Ring { get; }

    /// <summary>The fullest and the emptiest node, against the whole cluster.</summary>
    public (double Most, double Least) Fill
    {
        get
        {
            var mean = _used.Sum() / ((double)_part * _parts.Sum());
            var fills = _used.Select((used, at) => used / (_part * (double)_parts[at]) / mean).ToList();
            return (fills.Max(), fills.Min());
        }
    }

    /// <summary>Copies that found no node with room for them.</summary>
    public int Homeless => _holders.Count(node => node == Nobody);

    public long Used(int node) => _used[node];

    public IEnumerable<int> HoldersOf(int movie) => Enumerable.Range(movie * Copies, Copies).Select(at => _holders[at]).Where(node => node != Nobody).Select(node => (int)node);

    public ClusterView View(long[]? used = null, int? without = null, int? joining = null)
    {
        var nodes = Views(used ?? _used).Select((node, at) => at == without ? node with { Alive = false } : node).ToList();
        if (joining is { } parts) nodes.Add(SimulatedNodes.Node(Nodes, parts * _part, 0));
        var alive = nodes.Where(node => node.Alive).ToList();
        return new ClusterView([.. nodes], alive.Count == Nodes ? Ring : HashRing.Build(alive.Select(node => (node.Id, node.RingKey)), _rules.VirtualNodes));
    }

    /// <summary>300 MB to 8 GB, most of them small.</summary>
    public static long SizeOf(int movie)
    {
        var share = (uint)(movie * 2_654_435_761u) / (double)uint.MaxValue;
        return (long)(300e6 * Math.Pow(27, share * share));
    }

    public static FileName Name(int movie) => Micro.ManyMovies.Name(movie);

    /// <summary>Loses a node, and heals: how many bytes every other one has to send and to receive.</summary>
    public (long[] Sent, long[] Received) Lose(int lost)
    {
        var (used, sent, received) = ((long[])_used.Clone(), new long[Nodes], new long[Nodes]);
        for (var from = 0; from < Movies; from += _perView)
        {
            var view = View(used, without: lost);
            Parallel.For(from, Math.Min(from + _perView, Movies), movie =>
            {
                if (!HoldersOf(movie).Contains(lost)) return;
                var size = SizeOf(movie);
                var kept = HoldersOf(movie).Where(node => node != lost).ToList();
                if (kept.Count == 0 || Placement.Candidates(view, Name(movie), size, 1, _rules, holders: [.. kept.Select(SimulatedNodes.Id)]) is not [var chosen, ..]) return;
                var target = SimulatedNodes.Number(chosen.Id);
                Interlocked.Add(ref used[target], size);
                Interlocked.Add(ref received[target], size);
                // As the fixer does: of several sources whichever has the least to do.
                Interlocked.Add(ref sent[kept.MinBy(node => Interlocked.Read(ref sent[node]))], size);
            });
        }

        return (sent, received);
    }

    private void Place()
    {
        for (var from = 0; from < Movies; from += _perView)
        {
            var view = new ClusterView([.. Views(_used)], Ring);
            Parallel.For(from, Math.Min(from + _perView, Movies), movie =>
            {
                var size = SizeOf(movie);
                var chosen = Placement.Candidates(view, Name(movie), size, Copies, _rules);
                for (var copy = 0; copy < Copies; copy++)
                {
                    if (copy >= chosen.Count)
                    {
                        _holders[(movie * Copies) + copy] = Nobody;
                        continue;
                    }

                    var node = SimulatedNodes.Number(chosen[copy].Id);
                    _holders[(movie * Copies) + copy] = (byte)node;
                    Interlocked.Add(ref _used[node], size);
                }
            });
        }
    }

    private IEnumerable<NodeView> Views(long[] used) => _parts.Select((parts, at) => SimulatedNodes.Node(at, parts * _part, Interlocked.Read(ref used[at])));
}
