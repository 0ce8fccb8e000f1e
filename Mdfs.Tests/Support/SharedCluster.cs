using Mdfs.Worker.Storage;
namespace Mdfs.Tests.Support;

/// <summary>One cluster in this process for all tests of a class that do not disturb one another. Patient with silence: tests pause in the middle of transfers.</summary>
public class SharedCluster : IAsyncLifetime
{
    public TestCluster Cluster { get; private set; } = null!;

    public MdfsClient Client => Cluster.Client;

    /// <summary>Besides <see cref="FastTimings"/>.</summary>
    protected virtual IEnumerable<(string Key, string Value)> Settings => [];

    /// <summary>Returns when it is known that there is no movie yet: until then a name that is not found is answered 503.</summary>
    public async ValueTask InitializeAsync()
    {
        var cancelled = TestContext.Current.CancellationToken;
        Cluster = await TestCluster.StartAsync(
            cancelled, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), .. Settings]);
        await Eventually.TrueAsync(
            async () =>
            {
                using var facts = await Client.Http.GetAsync(MdfsClient.FilePath("no such.mp4"), cancelled);
                return facts.StatusCode == System.Net.HttpStatusCode.NotFound;
            },
            "the catalog is known to be empty", MdfsClient.Patience, cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster is { } cluster)
            await cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Files below every worker's <c>incoming</c>: bytes on their way, or what is left of them. Without those that nodes copy from each other, such as a canary (version 1) that is healed.</summary>
    public IEnumerable<string> Incoming() =>
        Cluster.Workers.SelectMany(worker => Directory.EnumerateFiles(Path.Combine(Cluster.Cluster.WorkerDirectory(worker), "incoming"))).Where(file => !Path.GetFileName(file).StartsWith(DataDirectory.PullPrefix, StringComparison.Ordinal));

    /// <summary>How many workers hold this version on disk.</summary>
    public int OnDisk(long version) => Cluster.Workers.Count(worker => Cluster.ReplicaFiles(worker).Any(file => Path.GetFileName(file) == $"{version}"));
}
