using BenchmarkDotNet.Attributes;
using Mdfs.Benchmarks.Scale;
using Mdfs.Master;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Micro;

/// <summary>What the fixer's look costs after the loss of a node with 200 000 movies out of a hundred, half of which have more than their share.</summary>
[MemoryDiagnoser]
public class RepairPlanBenchmarks
{
    private readonly MasterOptions _options = new();
    private readonly Dictionary<NodeId, NodeActivity> _idle = [];
    private ClusterView _view = null!;
    private List<RepairCandidate> _lacking = null!;
    private List<RunningPull> _running = null!;

    [GlobalSetup]
    public void Build()
    {
        _view = SimulatedNodes.View([.. Enumerable.Range(1, 99).Select(static number => SimulatedNodes.Node(number, capacity: 1L << 50, used: (number % 2 == 0 ? 8L : 6L) << 46))]);
        IReadOnlyList<HeldCopy>[] held = [.. Enumerable.Range(1, 99).Select(static number => (HeldCopy[])[new(SimulatedNodes.Id(100), false, true), new(SimulatedNodes.Id(number), false, true)])];
        _lacking = [.. Enumerable.Range(0, 200_000).Select(number => new RepairCandidate(ManyMovies.Replica(number), held[number % 99], TimeSpan.FromDays(1)))];
        _running = [.. from number in Enumerable.Range(1, 99) from pull in (int[])[0, 1] select new RunningPull(ManyMovies.Replica(1_000_000 + (2 * number) + pull).Version, SimulatedNodes.Id(number), 1L << 30)];
    }

    /// <summary>The first one: all places are given.</summary>
    [Benchmark]
    public int PlanAll() => Plan(PullsAhead.PerNode);

    /// <summary>All places have been given but those of nodes that are to take none, so that every movie is asked about in vain.</summary>
    [Benchmark]
    public int PlanNone() => Plan(0);

    private int Plan(int ahead)
    {
        var rules = new RepairRules(_options.PlacementRules, 2, TimeSpan.Zero, _options.RepairConcurrencyPerNode + ahead, 10_000, _options.RepairConcurrencyPerNode);
        // Only those who may be given copies make some.
        var running = _running.Where(static pull => SimulatedNodes.Number(pull.Target) % 2 == 1).ToList();
        return RepairPlanner.Plan(_view, _lacking, running, _idle, rules, inGrace: false).Count;
    }
}
