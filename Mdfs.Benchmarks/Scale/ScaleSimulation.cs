using System.Diagnostics;
using System.Globalization;
using Mdfs.Benchmarks.Micro;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// A hundred nodes, with disks that differ by four to one, and ten million movies with two copies each, placed one after the other by the very function that the master
/// uses: how evenly they lie, what a join moves; and, with fewer movies, what each costs the master's memory.
/// </summary>
internal static class ScaleSimulation
{
    private const int Nodes = 100;
    private const int Copies = 2;
    // As long as the workers' beats are apart, the master places by what it knew before.
    private const int PerView = 5000;

    private static readonly PlacementRules _rules = new();

    public static int Run(int movies)
    {
        var total = (double)Enumerable.Range(0, movies).Sum(SizeOf) * Copies;
        // 70 % full at the end; disks of 1, 2, 3 and 4 parts.
        var part = (long)(total / 0.7 / Enumerable.Range(1, Nodes).Sum(Parts));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{movies} movies, {total / (1L << 50):0.0} PiB with two copies, {Nodes} nodes of {part / (double)(1L << 40):0.0} to {4 * part / (double)(1L << 40):0.0} TiB"));

        var watch = Stopwatch.StartNew();
        var placed = new (byte First, byte Second)[movies];
        var used = new long[Nodes + 1];
        Place(movies, part, used, placed, Nodes);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"placing: {watch.Elapsed.TotalMicroseconds / movies:0.0} µs each"));
        var fills = Fills(used, part, Nodes);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fill: max/mean {fills.Max() / fills.Average():0.000}, min/mean {fills.Min() / fills.Average():0.000}"));

        // A join: whoever is above its share gives copies to the newcomer, and nobody else gets any.
        var before = Enumerable.Range(1, Nodes).Sum(number => used[number]);
        var share = before * (double)Parts(Nodes + 1) / Enumerable.Range(1, Nodes + 1).Sum(Parts);
        var ring = Movement(placed, movies);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a join: its share is {share / before:P2} of all bytes; by the ring alone {ring:P2} of all copies belong on it, and none moves between the others"));
        Memory();
        return 0;
    }

    private static int Parts(int number) => 1 + (number % 4);

    /// <summary>300 MB to 8 GB, most of them small, the same in every run.</summary>
    private static long SizeOf(int movie)
    {
        var share = (uint)(movie * 2_654_435_761u) / (double)uint.MaxValue;
        return (long)(300e6 * Math.Pow(27, share * share));
    }

    private static void Place(int movies, long part, long[] used, (byte, byte)[] placed, int nodes)
    {
        var ring = SimulatedNodes.Ring(Views(part, used, nodes));
        for (var from = 0; from < movies; from += PerView)
        {
            var view = SimulatedNodes.View([.. Views(part, used, nodes)], ring);
            Parallel.For(from, Math.Min(from + PerView, movies), movie =>
            {
                var size = SizeOf(movie);
                var chosen = Placement.Candidates(view, Name(movie), size, Copies, _rules);
                var (first, second) = (Number(chosen[0]), Number(chosen[1]));
                placed[movie] = ((byte)first, (byte)second);
                Interlocked.Add(ref used[first], size);
                Interlocked.Add(ref used[second], size);
            });
        }
    }

    private static double Movement((byte First, byte Second)[] placed, int movies)
    {
        var ring = HashRing.Build(Enumerable.Range(1, Nodes + 1).Select(number => SimulatedNodes.Node(number, 1, 0)).Select(node => (node.Id, node.RingKey)), 10);
        var old = HashRing.Build(Enumerable.Range(1, Nodes).Select(number => SimulatedNodes.Node(number, 1, 0)).Select(node => (node.Id, node.RingKey)), 10);
        var (moved, between) = (0L, 0L);
        Parallel.For(0, Math.Min(movies, 1_000_000), movie =>
        {
            var now = ring.Walk(Name(movie)).Take(Copies).ToHashSet();
            var then = old.Walk(Name(movie)).Take(Copies).ToHashSet();
            foreach (var id in now.Except(then))
            {
                if (id.Value.EndsWith("65", StringComparison.Ordinal)) Interlocked.Increment(ref moved);
                else Interlocked.Increment(ref between);
            }
        });
        if (between > 0) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{between} copies would move between other nodes"));
        return moved / (double)Copies / Math.Min(movies, 1_000_000);
    }

    private static void Memory()
    {
        const int Movies = 1_000_000;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        var many = new ManyMovies(Movies, Nodes);
        var filled = watch.Elapsed;
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Movies;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the master's memory: {bytes:0} bytes per movie with two reported copies, filled in {filled.TotalMicroseconds / Movies:0.0} µs each"));
        GC.KeepAlive(many);
    }

    private static IEnumerable<NodeView> Views(long part, long[] used, int nodes) =>
        Enumerable.Range(1, nodes).Select(number => SimulatedNodes.Node(number, Parts(number) * part, Interlocked.Read(ref used[number])));

    private static List<double> Fills(long[] used, long part, int nodes) => [.. Enumerable.Range(1, nodes).Select(number => used[number] / (double)(Parts(number) * part))];

    private static int Number(NodeView node) => int.Parse(node.RingKey.AsSpan("worker-".Length), CultureInfo.InvariantCulture);

    private static FileName Name(int movie) => ManyMovies.Name(movie);
}
