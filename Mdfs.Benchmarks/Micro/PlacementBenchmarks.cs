using System.Collections.Immutable;
using BenchmarkDotNet.Attributes;
using Mdfs.Benchmarks.Scale;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Micro;

/// <summary>Where a movie goes in a cluster of a hundred nodes.</summary>
[MemoryDiagnoser]
public class PlacementBenchmarks
{
    private readonly FileName _name = ManyMovies.Name(42);
    private readonly PlacementRules _rules = new();
    private ClusterView _view = null!;

    [GlobalSetup]
    public void Build() => _view = SimulatedNodes.View([.. Enumerable.Range(1, 100).Select(number => SimulatedNodes.Node(number, capacity: (1 + (number % 4)) << 40, used: (long)(0.3 * ((1 + (number % 4)) << 40))))]);

    [Benchmark]
    public HashRing BuildRing() => SimulatedNodes.Ring(_view.Nodes);

    /// <summary>The two nodes that the ring alone would name.</summary>
    [Benchmark]
    public int Walk() => _view.Ring.Walk(_name, 2).Length;

    [Benchmark]
    public IReadOnlyList<NodeView> Place() => Placement.Candidates(_view, _name, 700_000_000, 2, _rules);
}
