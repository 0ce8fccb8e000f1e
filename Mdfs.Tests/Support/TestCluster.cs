using Mdfs.Standalone;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Mdfs.Tests.Support;

/// <summary>A cluster in this process: real Kestrel, real disk, real Redis protocol, on free ports and in a directory of its own, with <see cref="FastTimings"/>.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    public const string AdminKey = "the admin key of the tests";

    private readonly TempDirectory _directory = new();

    private TestCluster(int workers, Action<string, WebApplicationBuilder>? configure, IEnumerable<(string Key, string Value)> settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(FastTimings.With([("Mdfs:AdminKey", AdminKey), .. settings])!)
            .Build();
        Cluster = new StandaloneCluster(new StandaloneOptions
        {
            DataDirectory = _directory["data"],
            Port = 0,
            Workers = workers,
            Settings = configuration,
            Configure = (service, builder) =>
            {
                foreach (var console in builder.Services.Where(descriptor => descriptor.ImplementationType == typeof(ConsoleLoggerProvider)).ToList())
                    builder.Services.Remove(console);
                builder.Logging.AddProvider(Logs.For(service));
                configure?.Invoke(service, builder);
            },
        });
    }

    public StandaloneCluster Cluster { get; }

    /// <summary>Stays good over restarts of the master, which keeps its port.</summary>
    public MdfsClient Client { get; private set; } = null!;

    public TestLogs Logs { get; } = new();

    public IReadOnlyList<StandaloneService> Workers => Cluster.Workers;

    /// <summary>Returns when all workers are live.</summary>
    public static Task<TestCluster> StartAsync(CancellationToken cancellationToken, int workers = 3, params IEnumerable<(string Key, string Value)> settings) =>
        StartAsync(cancellationToken, workers, null, settings);

    /// <param name="configure">Called with the name and the builder of each service.</param>
    public static async Task<TestCluster> StartAsync(CancellationToken cancellationToken, int workers, Action<string, WebApplicationBuilder>? configure, IEnumerable<(string Key, string Value)> settings)
    {
        var cluster = new TestCluster(workers, configure, settings);
        try
        {
            await cluster.Cluster.StartAsync(cancellationToken);
            cluster.Client = new MdfsClient(cluster.Cluster.Master.Address, AdminKey);
            await cluster.Client.WaitForNodesAsync(workers, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The worker of that name, as <see cref="MovieFacts.Holders"/> gives it.</summary>
    public StandaloneService Worker(string name) => Workers.Single(worker => worker.Name == name);

    /// <summary>The files of sealed replicas that lie on a worker's disk, sidecars left out.</summary>
    public IEnumerable<string> ReplicaFiles(StandaloneService worker) => ReplicaDirectory.Files(Cluster.WorkerDirectory(worker));

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await Cluster.DisposeAsync();
        Logs.Show();
        _directory.Dispose();
    }
}
