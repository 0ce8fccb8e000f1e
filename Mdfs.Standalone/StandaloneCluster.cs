using System.Security.Cryptography;
using Mdfs.Garnet;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Web;
using Mdfs.Worker;
using Mdfs.Worker.Heartbeats;
using Microsoft.Extensions.Options;

namespace Mdfs.Standalone;

/// <summary>
/// A whole cluster in this process: the embedded store, a master with the console on its host, and workers. Each service is a web application with its own
/// configuration and meets the others only over HTTP, as it would in a process of its own. Several clusters can live side by side.
/// </summary>
public sealed class StandaloneCluster : IAsyncDisposable
{
    private static readonly string[] _oneWorkers = ["Mdfs:Worker:PublicUrl", "Mdfs:Worker:AdvertisedUrl"];

    private readonly StandaloneOptions _options;
    private readonly ListenAddress _masterListens;
    // Whoever can open a connection on this machine could otherwise rewrite the catalog.
    private readonly string _storePassword = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private DataHome? _home;
    private GarnetStore? _store;
    private int _storePort;
    private StandaloneKeys? _keys;

    /// <exception cref="StandaloneException">An option is out of its bounds.</exception>
    public StandaloneCluster(StandaloneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Workers is < 1 or > StandaloneOptions.MostWorkers)
            throw new StandaloneException($"A cluster has 1 to {StandaloneOptions.MostWorkers} workers, not {options.Workers}.");
        if (options.Port < 0 || options.Port + options.Workers > 65535)
            throw new StandaloneException($"With {options.Workers} workers the port must be from 0 to {65535 - options.Workers}, not {options.Port}.");
        if (options.Workers > 1 && _oneWorkers.FirstOrDefault(setting => options.Settings?[setting] is { Length: > 0 }) is { } setting)
            throw new StandaloneException($"{setting} is the address of one worker, and here it would be that of all. The workers of one process find one another without it, and direct links save clients nothing there: leave it out, and direct=1 is answered by the master itself.");

        _options = options;
        _masterListens = ListenAddress.Parse(options.Host, options.Port);
        Master = new StandaloneService("master", _masterListens, BuildMaster);
        Workers = [.. Enumerable.Range(1, options.Workers).Select(number =>
        {
            var name = $"worker-{number}";
            return new StandaloneService(name, ListenAddress.Parse("localhost", options.Port == 0 ? 0 : options.Port + number), listen => BuildWorker(name, listen));
        })];
    }

    /// <summary>Starts, stops and restarts by itself, as the workers do; <see cref="StartAsync"/> starts all of them.</summary>
    public StandaloneService Master { get; }

    public IReadOnlyList<StandaloneService> Workers { get; }

    /// <summary>The keys in force; known once the cluster has started.</summary>
    public StandaloneKeys Keys => _keys ?? throw NotStarted();

    /// <summary>The absolute path of the data directory; known once the cluster has started.</summary>
    public string DataDirectory => _home?.Path ?? throw NotStarted();

    /// <summary>How to reach the Redis that the catalog stands in; known once the cluster has started.</summary>
    public string RedisConnectionString => _options.Redis ?? _store?.ConnectionString ?? throw NotStarted();

    /// <summary>The path of a worker's data directory.</summary>
    public string WorkerDirectory(StandaloneService worker) => (_home ?? throw NotStarted()).Worker(worker.Name);

    /// <summary>Claims the data directory and starts store, master and workers, in this order; what was started is stopped again when one cannot.</summary>
    /// <exception cref="StandaloneException">Directory or ports are in use, or a key cannot be read.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            Claim();
            // A start is mostly the compiling of what it runs, and the store opens on one core: another one compiles meanwhile what a worker needs, of which the master needs most as well.
            // Not with a free port for the master, which nobody knows yet.
            if (_options.Port > 0)
                Workers[0].Prepare();
            await StartStoreAsync(cancellationToken);
            await Master.StartAsync(cancellationToken);
            await Task.WhenAll(Workers.Select(worker => worker.StartAsync(cancellationToken)));
        }
        catch
        {
            await StopAsync();
            throw;
        }
    }

    /// <summary>
    /// Waits until the master has heard of every worker, so that the first upload finds them all; gives up after a node time-out, since a cluster
    /// with fewer serves as well. A new cluster is named then and there: no other worker can still come and know its name, so nobody has to wait for one.
    /// </summary>
    public async Task WaitForWorkersAsync(CancellationToken cancellationToken = default)
    {
        var registry = Master.Services.GetRequiredService<NodeRegistry>();
        var patience = Master.Services.GetRequiredService<IOptions<MasterOptions>>().Value.NodeTimeout;
        var started = TimeProvider.System.GetTimestamp();
        while (registry.View.AliveCount < Workers.Count && TimeProvider.System.GetElapsedTime(started) < patience)
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        if (registry.View.AliveCount >= Workers.Count)
            await Master.Services.GetRequiredService<CatalogSession>().NameClusterAsync(allHaveSpoken: true, cancellationToken);
    }

    /// <summary>Stops the master, the workers and, last, the store, and gives the data directory back. It can be started again, on the same ports.</summary>
    public async Task StopAsync()
    {
        // Whatever keeps one of them from ending well: the others end, the store is not cut off in the middle, and the directory is not kept.
        try
        {
            foreach (var worker in Workers.Where(static worker => worker.IsRunning))
                worker.Services.GetRequiredService<SharedStop>().Announce();
            await Master.StopAsync();
        }
        finally
        {
            try
            {
                await Task.WhenAll(Workers.Select(static worker => worker.StopAsync()));
            }
            finally
            {
                try
                {
                    await StopStoreAsync();
                }
                finally
                {
                    _home?.Dispose();
                    _home = null;
                }
            }
        }
    }

    /// <summary>Starts the embedded store, on the port it had before; nothing where a Redis is used.</summary>
    public async Task StartStoreAsync(CancellationToken cancellationToken = default)
    {
        if (_options.Redis is not null || _store is not null)
            return;
        var store = new GarnetStore(StoreOptions((_home ?? throw NotStarted()).Store), _options.StoreLogs);
        try
        {
            await store.StartAsync(cancellationToken);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
        _storePort = store.Port;
        _store = store;
    }

    /// <summary>Stops the embedded store; nothing where a Redis is used.</summary>
    public async Task StopStoreAsync()
    {
        if (_store is { } store)
        {
            _store = null;
            await store.DisposeAsync();
        }
    }

    /// <summary>Returns the name of the first service that stops by itself, as a master does that was replaced.</summary>
    public async Task<string> WaitForEndAsync(CancellationToken cancellationToken)
    {
        StandaloneService[] services = [Master, .. Workers];
        var ended = await Task.WhenAny(services.Select(static service => service.EndedItself)).WaitAsync(cancellationToken);
        return services.First(service => service.EndedItself == ended).Name;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Master.DisposeAsync();
        foreach (var worker in Workers)
            await worker.DisposeAsync();
    }

    private void Claim()
    {
        if (_home is not null)
            throw new InvalidOperationException("The cluster was started already.");
        _masterListens.EnsureFree();
        for (var i = 1; i <= _options.Workers && _options.Port > 0; i++)
            ListenAddress.Parse("localhost", _options.Port + i).EnsureFree();
        _home = DataHome.Claim(_options.DataDirectory);
        _keys = StandaloneKeys.Find(_options, _home);
        if (_keys.Source == AdminKeySource.Development && !_masterListens.IsLoopback)
            throw new StandaloneException("With the well-known key of the Development environment the master listens on this machine only. Set Mdfs:AdminKey, or add --environment Production, where a key is made at the first start.");
    }

    private GarnetStoreOptions StoreOptions(string directory)
    {
        var options = new GarnetStoreOptions { Port = 0, Password = _storePassword };
        _options.Settings?.GetSection(GarnetStoreOptions.Section).Bind(options);
        options.DataDirectory = directory;
        if (_storePort != 0)
            options.Port = _storePort;
        return options;
    }

    private WebApplication BuildMaster(ListenAddress listen)
    {
        var builder = Builder("master", listen, new() { ["ConnectionStrings:redis"] = RedisConnectionString });
        builder.AddMdfsMaster();
        // On the master's own host, so that no movie takes a further hop.
        builder.AddMdfsConsole();
        var app = Build("master", builder);
        app.MapMdfsMaster();
        app.MapMdfsConsole();
        return app;
    }

    private WebApplication BuildWorker(string name, ListenAddress listen)
    {
        var builder = Builder(name, listen, new()
        {
            ["services:master:http:0"] = Master.Address.GetLeftPart(UriPartial.Authority),
            ["Mdfs:Worker:Name"] = name,
            ["Mdfs:Worker:DataDirectory"] = (_home ?? throw NotStarted()).Worker(name),
        });
        builder.AddMdfsWorker();
        var app = Build(name, builder);
        app.MapMdfsWorker();
        return app;
    }

    private WebApplicationBuilder Builder(string name, ListenAddress listen, Dictionary<string, string?> wiring)
    {
        wiring["urls"] = listen.Url;
        wiring["Mdfs:AdminKey"] = Keys.AdminKey;
        wiring["Mdfs:ClusterKey"] = Keys.ClusterKey;
        return ServiceBuilder.Create(name, _options, wiring);
    }

    private WebApplication Build(string name, WebApplicationBuilder builder)
    {
        _options.Configure?.Invoke(name, builder);
        return builder.Build();
    }

    private static InvalidOperationException NotStarted() => new("The cluster has not been started.");
}
