using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// A cluster on paper: nodes whose disks differ, and movies that are placed on them one after the other by the very function that the master uses. The movies are the same
/// in every run.
/// </summary>
internal sealed class SimulatedCluster
{
    private const byte Nobody = byte.MaxValue;

    private readonly int[] _parts;
    private readonly PlacementRules _rules;
    private readonly long _part;
    private readonly long[] _used;
    private readonly byte[] _holders;
    private readonly UploadId _upload = UploadId.New();
    private readonly string _cluster = MasterIdentity.NewClusterId();
    private (int? Without, int? Joining, HashRing Ring)? _other;

    /// <param name="parts">How large each node's disk is, in parts.</param>
    /// <param name="filled">How full the cluster is when all movies are placed.</param>
    /// <param name="atOnce">Uploads that begin in the same moment. A master counts what it has promised from when the nodes have opened it, however long ago their last beats were: only uploads that are placed before that do not see one another.</param>
    public SimulatedCluster(IEnumerable<int> parts, int copies, int movies, PlacementRules rules, double filled = 0.7, int atOnce = 1)
    {
        (_parts, Copies, Movies, _rules) = ([.. parts], copies, movies, rules);
        Bytes = Enumerable.Range(0, movies).Sum(SizeOf);
        _part = (long)(Bytes * (double)copies / filled / _parts.Sum());
        _used = new long[_parts.Length];
        _holders = new byte[movies * copies];
        Ring = HashRing.Build(Views(_used).Select(node => (node.Id, node.RingKey)), rules.VirtualNodes);
        Place(atOnce);
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
    public (double Most, double Least) Fill => FillOf(_used);

    /// <summary>Copies that found no node with room for them.</summary>
    public int Homeless => _holders.Count(node => node == Nobody);

    public long Used(int node) => _used[node];

    public IEnumerable<int> HoldersOf(int movie) => Enumerable.Range(movie * Copies, Copies).Select(at => _holders[at]).Where(node => node != Nobody).Select(node => (int)node);

    public (double Most, double Least) FillOf(long[] used, int? without = null)
    {
        var nodes = Enumerable.Range(0, Nodes).Where(node => node != without).ToList();
        var mean = nodes.Sum(node => used[node]) / ((double)_part * nodes.Sum(node => _parts[node]));
        var fills = nodes.Select(node => used[node] / (_part * (double)_parts[node]) / mean).ToList();
        return (fills.Max(), fills.Min());
    }

    public ClusterView View(long[]? used = null, int? without = null, int? joining = null, long[]? inFlight = null)
    {
        var nodes = Views(used ?? _used).Select((node, at) => at == without ? node with { Alive = false } : node).ToList();
        if (inFlight is not null) nodes = [.. nodes.Select((node, at) => node with { Space = node.Space with { Free = node.Space.Free - inFlight[at], InFlight = inFlight[at] } })];
        if (joining is { } parts) nodes.Add(SimulatedNodes.Node(Nodes, parts * _part, 0));
        var alive = nodes.Where(node => node.Alive).ToList();
        if (alive.Count == Nodes && joining is null) return new ClusterView([.. nodes], Ring);
        // Asked for thousands of times without the same node.
        if (_other is not { } other || other.Without != without || other.Joining != joining)
            _other = other = (without, joining, HashRing.Build(alive.Select(node => (node.Id, node.RingKey)), _rules.VirtualNodes));
        return new ClusterView([.. nodes], other.Ring);
    }

    /// <summary>300 MB to 8 GB, most of them small.</summary>
    public static long SizeOf(int movie)
    {
        var share = (uint)(movie * 2_654_435_761u) / (double)uint.MaxValue;
        return (long)(300e6 * Math.Pow(27, share * share));
    }

    public static FileName Name(int movie) => Micro.ManyMovies.Name(movie);

    /// <summary>All movies as the planners see them.</summary>
    public IEnumerable<(ReplicaDescription Replica, IReadOnlyList<HeldCopy> Copies)> Described()
    {
        // One list for all movies that lie on the same nodes.
        var held = new Dictionary<int, IReadOnlyList<HeldCopy>>();
        return Enumerable.Range(0, Movies).Select(movie => (Describe(movie), Held(movie, held)));
    }

    /// <summary>The movies that lack a copy when a node is lost, and are still on another.</summary>
    public IEnumerable<RepairCandidate> Lacking(int lost)
    {
        var held = new Dictionary<int, IReadOnlyList<HeldCopy>>();
        return Enumerable.Range(0, Movies).Where(movie => HoldersOf(movie).Contains(lost) && HoldersOf(movie).Any(node => node != lost))
            .Select(movie => new RepairCandidate(Describe(movie), Held(movie, held), TimeSpan.FromDays(1)));
    }

    private ReplicaDescription Describe(int movie) =>
        new(Name(movie), new MovieVersion(1_777_636_800_000_000 + movie), SizeOf(movie), new Checksum((uint)movie), DateTimeOffset.UnixEpoch, _upload, _cluster);

    private IReadOnlyList<HeldCopy> Held(int movie, Dictionary<int, IReadOnlyList<HeldCopy>> held)
    {
        var key = HoldersOf(movie).Aggregate(0, static (all, node) => (all << 8) | node);
        if (!held.TryGetValue(key, out var copies)) held[key] = copies = [.. HoldersOf(movie).Select(static node => new HeldCopy(SimulatedNodes.Id(node), false, true))];
        return copies;
    }

    private void Place(int atOnce)
    {
        NodeView[] nodes = [.. Views(_used)];
        var view = new ClusterView([.. nodes], Ring);
        for (var movie = 0; movie < Movies; movie++)
        {
            if (movie % atOnce == 0) view = view.With([.. nodes]);
            var size = SizeOf(movie);
            var chosen = Placement.Candidates(view, Name(movie), size, Copies, _rules);
            for (var copy = 0; copy < Copies; copy++)
            {
                if (copy >= chosen.Count)
                {
                    _holders[(movie * Copies) + copy] = Nobody;
                    continue;
                }

                var at = SimulatedNodes.Number(chosen[copy].Id);
                _holders[(movie * Copies) + copy] = (byte)at;
                _used[at] += size;
                nodes[at] = nodes[at] with { Space = nodes[at].Space with { Used = _used[at], Free = nodes[at].Space.Free - size } };
            }
        }
    }

    private IEnumerable<NodeView> Views(long[] used) => _parts.Select((parts, at) => SimulatedNodes.Node(at, parts * _part, used[at]));
}
