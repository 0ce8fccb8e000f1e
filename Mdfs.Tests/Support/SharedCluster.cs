namespace Mdfs.Tests.Support;

/// <summary>One cluster in this process for all tests of a class that do not disturb one another. Patient with silence: tests pause in the middle of transfers.</summary>
public class SharedCluster : IAsyncLifetime
{
    public TestCluster Cluster { get; private set; } = null!;

    public MdfsClient Client => Cluster.Client;

    /// <summary>Besides <see cref="FastTimings"/>.</summary>
    protected virtual IEnumerable<(string Key, string Value)> Settings => [];

    public async ValueTask InitializeAsync() => Cluster = await TestCluster.StartAsync(
        TestContext.Current.CancellationToken,
        settings: [("Mdfs:Master:NodeTimeout", "00:00:10"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), .. Settings]);

    public async ValueTask DisposeAsync()
    {
        if (Cluster is { } cluster)
            await cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Files below every worker's <c>incoming</c>: bytes on their way, or what is left of them.</summary>
    public IEnumerable<string> Incoming() =>
        Cluster.Workers.SelectMany(worker => Directory.EnumerateFiles(Path.Combine(Cluster.Cluster.WorkerDirectory(worker), "incoming")));

    /// <summary>How many workers hold this version on disk.</summary>
    public int OnDisk(long version) => Cluster.Workers.Count(worker => Cluster.ReplicaFiles(worker).Any(file => Path.GetFileName(file) == $"{version}"));
}
