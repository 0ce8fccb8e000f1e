using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Benchmarks.Micro;

/// <summary>A worker with a hundred thousand files: what an idle beat and one with a change cost on either side.</summary>
[MemoryDiagnoser]
public class BeatBenchmarks
{
    private const int Files = 100_000;

    private readonly Inventory _inventory = new();
    private Mdfs.Master.Cluster.NodeInventory _known = null!;
    private long _version = 1_999_636_800_000_000;
    private long _number = 1;

    [GlobalSetup]
    public void Fill()
    {
        _known = new Mdfs.Master.Cluster.NodeInventory(NodeId.New(), new Mdfs.Master.Cluster.ReplicaIndex());
        for (var number = 0; number < Files; number++)
        {
            var report = new ReplicaReport(ManyMovies.Replica(number), false, true);
            _inventory.Put(report);
            _known.Set(report, 1);
        }

        _inventory.Acknowledge(_inventory.Beat().Number);
    }

    [Benchmark]
    public long WorkerIdle()
    {
        var beat = _inventory.Beat();
        _inventory.Acknowledge(beat.Number);
        return beat.Count;
    }

    [Benchmark]
    public long WorkerWithAChange()
    {
        _inventory.Put(new ReplicaReport(ManyMovies.Replica(7, _version), false, true));
        var beat = _inventory.Beat();
        _inventory.Acknowledge(beat.Number);
        _inventory.Remove(new MovieVersion(_version++ + 7));
        return beat.Count;
    }

    [Benchmark]
    public bool MasterWithAChange()
    {
        var replica = ManyMovies.Replica(7, _version++);
        _known.Set(new ReplicaReport(replica, false, true), ++_number);
        return _known.Remove(replica.Version, ++_number);
    }
}
