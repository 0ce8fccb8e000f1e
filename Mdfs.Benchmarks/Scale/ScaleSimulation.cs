using System.Diagnostics;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// A hundred nodes, with disks that differ by four to one, and ten million movies with two copies each: how evenly they lie, what a join moves, and what the loss of a node has the
/// others do. Then smaller clusters, to see where they cannot lie evenly.
/// </summary>
internal static class ScaleSimulation
{
    private const double TiB = 1L << 40;
    private static readonly PlacementRules _rules = new();

    public static int Run(int movies)
    {
        var large = Place(movies, _rules);
        Lose(large, _rules, "10 virtual nodes");
        Join(large);
        Others(movies);
        return 0;
    }

    /// <summary>Only the loss of a node.</summary>
    public static int RunLoss(int movies, int virtualNodes)
    {
        var rules = _rules with { VirtualNodes = virtualNodes };
        Lose(Place(movies, rules), rules, $"{virtualNodes} virtual nodes");
        return 0;
    }

    /// <summary>Only the placing, with so many uploads that begin in the same moment.</summary>
    public static int RunPlacing(int movies)
    {
        foreach (var atOnce in (int[])[1, 100, 1000, 5000])
        {
            var watch = Stopwatch.StartNew();
            var cluster = new SimulatedCluster(Parts(100, 4), 2, movies, _rules, atOnce: atOnce);
            Say($"{movies} movies, {atOnce} placed in the same moment: fill max/mean {cluster.Fill.Most:0.000}, min/mean {cluster.Fill.Least:0.000}; {watch.Elapsed.TotalMicroseconds / movies:0.00} µs each");
        }

        return 0;
    }

    private static SimulatedCluster Place(int movies, PlacementRules rules)
    {
        var watch = Stopwatch.StartNew();
        var large = new SimulatedCluster(Parts(100, 4), 2, movies, rules);
        Say($"{movies} movies, {large.Bytes / TiB / 1024:0.00} PiB, two copies each, on {large.Nodes} nodes of {large.SmallestDisk / TiB:0} to {large.LargestDisk / TiB:0} TiB, 70 % full at the end");
        Say($"placing: {watch.Elapsed.TotalSeconds:0} s, {watch.Elapsed.TotalMicroseconds / movies:0.00} µs each on one core; fill max/mean {large.Fill.Most:0.000}, min/mean {large.Fill.Least:0.000}");
        return large;
    }

    private static void Lose(SimulatedCluster cluster, PlacementRules rules, string what)
    {
        var watch = Stopwatch.StartNew();
        // One of the largest.
        var lost = Enumerable.Range(0, cluster.Nodes).MaxBy(cluster.Used);
        var healing = new SimulatedHealing(cluster, rules, lost);
        healing.Run();
        var ideal = cluster.Used(lost) / (double)(cluster.Nodes - 1);
        Say($"losing the fullest node, {cluster.Used(lost) / TiB:0} TiB ({what}): {healing.Received.Count(bytes => bytes > 0)} nodes receive, the busiest {healing.Received.Max() / ideal:0.0} times what all would together; {healing.Sent.Count(bytes => bytes > 0)} send, the busiest {healing.Sent.Max() / ideal:0.0} times");
        Say($"at 100 MB/s per node half of the movies have their copies after {healing.Took.Half / 3600:0.0} hours, nine tenths after {healing.Took.Most / 3600:0.0}, all after {healing.Took.All / 3600:0.0}; {ideal / 100e6 / 3600:0.0} if all took part alike; fill then max/mean {healing.FillAfter.Most:0.000}, min/mean {healing.FillAfter.Least:0.000}");
        Say($"{healing.Plans.Count} plans, {healing.Plans.Mean.TotalMilliseconds:0} ms of processor time each, the dearest {healing.Plans.Most.TotalMilliseconds:0} ms ({watch.Elapsed.TotalSeconds:0} s for all this)");
    }

    /// <summary>By the planner that rebalances: a node comes, of average size, and the others give it its share.</summary>
    private static void Join(SimulatedCluster cluster)
    {
        var watch = Stopwatch.StartNew();
        var movies = cluster.Described().ToList();
        var made = watch.Elapsed;
        watch.Restart();
        var alone = RebalancePlanner.Plan(cluster.View(), movies, [], cluster.Copies);
        Say($"evening out without a join: {alone.Bytes / TiB:0} TiB in {alone.Moves.Count} moves, planned in {watch.Elapsed.TotalSeconds:0} s (the list of movies in {made.TotalSeconds:0} s)");
        watch.Restart();
        var plan = RebalancePlanner.Plan(cluster.View(joining: 3), movies, [], cluster.Copies);
        var share = plan.Nodes.Single(node => node.Node == SimulatedNodes.Id(cluster.Nodes)).Share;
        Say($"a join: the new node's share is {share / TiB:0} TiB, moved are {plan.Bytes / TiB:0} TiB in {plan.Moves.Count} moves, {plan.Bytes / (double)share:0.00} times its share and {plan.Bytes / (double)plan.Unavoidable:0.00} times what all nodes lack to theirs; planned in {watch.Elapsed.TotalSeconds:0} s");

        // The same once the others are even.
        var to = alone.Moves.ToDictionary(move => move.Replica.Version);
        var even = movies.Select(movie => to.TryGetValue(movie.Replica.Version, out var move)
            ? (movie.Replica, (IReadOnlyList<HeldCopy>)[.. movie.Copies.Where(copy => copy.Node != move.From), new HeldCopy(move.To, false, true)]) : movie);
        var used = new long[cluster.Nodes];
        foreach (var node in alone.Nodes) used[SimulatedNodes.Number(node.Node)] = node.After;
        watch.Restart();
        plan = RebalancePlanner.Plan(cluster.View(used, joining: 3), even, [], cluster.Copies);
        Say($"a join after the others were evened out: {plan.Bytes / TiB:0} TiB, {plan.Bytes / (double)share:0.00} times its share; planned in {watch.Elapsed.TotalSeconds:0} s");
    }

    private static void Others(int movies)
    {
        var few = Math.Min(movies, 200_000);
        Console.WriteLine("\n| nodes | disks | copies | movies per node | ε | virtual nodes | fill max/mean | min/mean | copies without room |\n|---|---|---|---|---|---|---|---|---|");
        foreach (var nodes in (int[])[3, 4, 10, 30, 100])
            foreach (var spread in (int[])[1, 4])
                foreach (var copies in (int[])[2, 3])
                    Row(Parts(nodes, spread), copies, few, _rules);
        Row([4, 1, 1], 2, few, _rules);
        Row([8, 4, 4], 2, few, _rules);
        foreach (var movieCount in (int[])[1000, 5000, 20_000, 100_000]) Row(Parts(100, 4), 2, movieCount, _rules);
        foreach (var factor in (double[])[0.02, 0.05, 0.20, 10]) Row(Parts(100, 4), 2, few, _rules with { LoadFactor = factor });
        foreach (var points in (int[])[50, 200]) Row(Parts(100, 4), 2, few, _rules with { VirtualNodes = points });
        foreach (var points in (int[])[50, 200])
        {
            var rules = _rules with { VirtualNodes = points };
            Lose(new SimulatedCluster(Parts(100, 4), 2, few, rules), rules, $"{points} virtual nodes, {few} movies");
        }

        static void Row(IReadOnlyList<int> parts, int copies, int movies, PlacementRules rules)
        {
            var cluster = new SimulatedCluster(parts, copies, movies, rules);
            Say($"| {parts.Count} | {(parts.Count <= 4 ? string.Join(':', parts) : $"1 to {parts.Max()}")} | {copies} | {movies * copies / parts.Count} | {rules.LoadFactor:0.##} | {rules.VirtualNodes} | {cluster.Fill.Most:0.000} | {cluster.Fill.Least:0.000} | {cluster.Homeless / (double)(movies * copies):0 %} |");
        }
    }

    private static int[] Parts(int nodes, int spread) => [.. Enumerable.Range(0, nodes).Select(number => 1 + (number % spread))];

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
