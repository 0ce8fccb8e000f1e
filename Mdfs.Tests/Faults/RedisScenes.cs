using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>What the tests that harm Redis have in common.</summary>
internal static class RedisScenes
{
    // No node dies here: one that is slow is not to be missed.
    public static readonly (string, string)[] Unhurried = [("Mdfs:Master:NodeTimeout", "00:00:05")];

    public const string Probe = "probe.mp4";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static MovieBytes Movie(ulong seed) => new(seed, 100_000 + (long)seed);

    /// <summary>All names but that of the probe.</summary>
    public static async Task<string> NamesAsync(ProcessCluster cluster) =>
        string.Join(' ', (await cluster.Client.ListAsync(Cancelled)).Select(file => file.Name).Where(name => name != Probe));

    public static Task StoreAsync(ProcessCluster cluster, string name, ulong seed) => Patiently.StoreAsync(cluster.Client, name, Movie(seed), Cancelled);

    public static Task DeleteAsync(ProcessCluster cluster, string name) => Patiently.DeleteAsync(cluster.Client, name, Cancelled);

    /// <summary>Returns when a movie can be stored and deleted again.</summary>
    public static Task WritableAsync(ProcessCluster cluster) => Eventually.TrueAsync(
        async () =>
        {
            using var stored = await cluster.Client.PutAsync(Probe, new ByteArrayContent([1]), Cancelled);
            if (!stored.IsSuccessStatusCode) return false;
            using var deleted = await cluster.Client.DeleteAsync(Probe, Cancelled);
            return deleted.IsSuccessStatusCode;
        },
        "movies can be stored and deleted again", MdfsClient.Patience, Cancelled);

    public static async Task RestartMasterAsync(ProcessCluster cluster)
    {
        if (cluster.Master.IsRunning) await cluster.Master.KillAsync();
        await cluster.StartMasterAsync(Cancelled);
        if (cluster.Workers.All(worker => worker.IsRunning)) await cluster.Client.WaitForNodesAsync(cluster.Workers.Count, Cancelled);
    }
}
