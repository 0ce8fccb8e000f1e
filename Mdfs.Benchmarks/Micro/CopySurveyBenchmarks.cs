using BenchmarkDotNet.Attributes;
using Mdfs.Benchmarks.Scale;
using Mdfs.Master;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Benchmarks.Micro;

/// <summary>What it costs to know which of a million movies on a hundred nodes lack a copy.</summary>
[MemoryDiagnoser]
public class CopySurveyBenchmarks
{
    private const int Movies = 1_000_000;
    private const int Nodes = 100;

    private ManyMovies _many = null!;
    private CopySurvey _survey = null!;
    private ClusterView _all = null!;
    private ClusterView _oneLess = null!;
    private int _turn;

    [GlobalSetup]
    public void Fill()
    {
        _many = new ManyMovies(Movies, Nodes);
        _survey = new CopySurvey(_many.Registry, _many.Catalog, Options.Create(new MasterOptions()), TimeProvider.System);
        _all = SimulatedNodes.View([.. Enumerable.Range(1, Nodes).Select(static number => SimulatedNodes.Node(number, 1L << 50, 1L << 49))]);
        _oneLess = SimulatedNodes.View(_all.Nodes.SetItem(0, _all.Nodes[0] with { Failed = "gone" }));
        _survey.Look(_all);
    }

    /// <summary>As it was done before: each copy's node is looked up by its id.</summary>
    [Benchmark]
    public int EachById() => _many.Catalog.Entries.Count(entry =>
    {
        var counted = 0;
        foreach (var holder in _many.Registry.Replicas.HoldersOf(entry.Version))
            if (holder.Agrees(entry.Replica) && Copies.Counts(_all, new HeldCopy(holder.Node, holder.Damaged, holder.Verified))) counted++;
        return counted < 2;
    });

    /// <summary>A node has gone, or is back: all are looked at, and 20 000 lack a copy every other time.</summary>
    [Benchmark]
    public int ANodeChanges() => _survey.Look(_turn++ % 2 == 0 ? _oneLess : _all).Count;

    /// <summary>A hundred copies were reported to be damaged, or to be whole again.</summary>
    [Benchmark]
    public int AHundredChange()
    {
        var damaged = _turn++ % 2 == 0;
        lock (_many.Registry.Gate)
        {
            for (var number = 0; number < Movies; number += Movies / 100)
            {
                if (_many.Registry.Find(_many.Nodes[number % Nodes])!.Inventory.Find(ManyMovies.Replica(number).Version) is { } report)
                    _many.Registry.Find(_many.Nodes[number % Nodes])!.Inventory.Set(report with { Damaged = damaged }, 2 + _turn);
            }
        }

        return _survey.Look(_all).Count;
    }

    [Benchmark]
    public int NothingChanges() => _survey.Look(_all).Count;
}
