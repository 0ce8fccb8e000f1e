using Mdfs.Standalone;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Support;

/// <summary>What a running worker has put aside, by its own hand; in real life that takes a month's absence or strange bytes.</summary>
public static class Aside
{
    /// <summary>A second copy of one of the worker's replicas, with all that describes it.</summary>
    public static void Put(TestCluster cluster, StandaloneService worker, long version, string reason)
    {
        var replica = cluster.ReplicaFiles(worker).Single(file => Path.GetFileName(file) == $"{version}");
        var path = PathOf(cluster, worker, $"{version}");
        foreach (var ending in (string[])["", Sidecars.Blocks, Sidecars.Checksum]) File.Copy(replica + ending, path + ending);
        worker.Services.GetRequiredService<Quarantine>().Put(path, reason);
    }

    /// <summary>Bytes that nothing describes.</summary>
    public static void PutNameless(TestCluster cluster, StandaloneService worker, string reason)
    {
        var path = PathOf(cluster, worker, "12345");
        File.WriteAllBytes(path, new byte[100_000]);
        worker.Services.GetRequiredService<Quarantine>().Put(path, reason);
    }

    private static string PathOf(TestCluster cluster, StandaloneService worker, string name) => Path.Combine(cluster.Cluster.WorkerDirectory(worker), name);
}
