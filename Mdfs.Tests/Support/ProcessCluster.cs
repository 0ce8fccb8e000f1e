using System.Globalization;
using StackExchange.Redis;

namespace Mdfs.Tests.Support;

/// <summary>
/// A cluster of processes, wired as an operator would, by configuration alone, with <see cref="FastTimings"/>: for what can only be done to a process, such as
/// killing it. Only on Unix.
/// </summary>
public sealed class ProcessCluster : IAsyncDisposable
{
    public const string AdminKey = TestCluster.AdminKey;

    private static readonly string[] _redisPrograms = ["redis-server", "valkey-server"];

    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, string> _settings;
    private readonly List<ProcessNode> _masters = [];
    private readonly List<MdfsClient> _clients = [];
    private readonly RedisKind _kind;
    private readonly Dictionary<string, TcpLane>? _lanes;

    private ProcessCluster(int workers, int masters, RedisKind kind, bool lanes, IEnumerable<(string Key, string Value)> settings)
    {
        _kind = kind;
        _lanes = lanes ? [] : null;
        _settings = FastTimings.With([("Mdfs:AdminKey", AdminKey), ("Mdfs:ClusterKey", "the cluster key of the tests"), .. settings]);
        var redisPort = TestPorts.Next();
        Redis = new ProcessNode("redis", redisPort, () => StartRedis(redisPort));
        for (var number = 1; number <= masters; number++)
            _masters.Add(MasterNode(number));
        Workers = [.. Enumerable.Range(1, workers).Select(WorkerNode)];
        FrontEnd = FrontEndNode();
        foreach (var master in _masters)
            _clients.Add(new MdfsClient(master.Address, AdminKey));
    }

    /// <summary>Garnet or redis-server.</summary>
    public ProcessNode Redis { get; }

    /// <summary>The first master, the only one unless more were asked for.</summary>
    public ProcessNode Master => _masters[0];

    /// <summary>All masters that workers know of; only the first is started with the cluster.</summary>
    public IReadOnlyList<ProcessNode> Masters => _masters;

    public IReadOnlyList<ProcessNode> Workers { get; }

    /// <summary>The console as a front end that sends movies itself; only started where it is wanted (<see cref="StartFrontEndAsync"/>).</summary>
    public ProcessNode FrontEnd { get; }

    /// <summary>What every process of it is configured with, keys included.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>A client of the first master.</summary>
    public MdfsClient Client => _clients[0];

    public string RedisConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Redis.Port}");

    /// <summary>Starts Redis, the first master and the workers, and returns when all workers that were started are live.</summary>
    /// <param name="lanes">Whether nodes reach each worker through a <see cref="TcpLane"/>, see <see cref="Lane"/>.</param>
    /// <param name="started">How many of the workers to start now, if not all: one that never ran is not missed for the time in which a node may be silent.</param>
    public static async Task<ProcessCluster> StartAsync(
        CancellationToken cancellationToken, int workers = 3, int masters = 1, RedisKind? redis = null, bool lanes = false, int? started = null, params IEnumerable<(string Key, string Value)> settings)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Processes are killed and frozen by Unix signals.");
        // Where it does not matter, the one that starts at once: Garnet compiles itself for most of a second.
        redis ??= _redisPrograms.Any(static program => Tools.TryFind(program, out _)) ? RedisKind.RedisServer : RedisKind.Garnet;
        if (redis == RedisKind.RedisServer)
            RedisProgram();
        var cluster = new ProcessCluster(workers, masters, redis.Value, lanes, settings);
        try
        {
            await cluster.Redis.StartAsync();
            await cluster.WaitForRedisAsync(cancellationToken);
            await cluster.StartMasterAsync(cancellationToken);
            foreach (var worker in cluster.Workers.Take(started ?? workers))
                await worker.StartAsync();
            await cluster.Client.WaitForNodesAsync(started ?? workers, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a master and returns when it answers.</summary>
    public async Task StartMasterAsync(CancellationToken cancellationToken, int index = 0)
    {
        await _masters[index].StartAsync();
        await WaitUntilHealthyAsync(_masters[index], _clients[index], cancellationToken);
    }

    /// <summary>
    /// Waits until what the master says of every worker that runs is that worker's own word of its present life, told whole, and no copy is being made. One that was killed and has come back counts with
    /// all that it held before until its first beat is heard, and from then on holds nothing until its inventory has come: whoever looks only at states and copies may look just before that.
    /// </summary>
    public async Task WaitForWorkersAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in Workers.Where(static worker => worker.IsRunning))
            await Eventually.TrueAsync(
                async () => await WorkerMetricAsync(worker, "mdfs_worker_beats_total{result=\"answered\"}", cancellationToken, missing: 0) > 0, $"a beat of this life of {worker.Name} is answered", MdfsClient.Patience, cancellationToken);
        await Client.WaitForNodesAsync(Workers.Count(static worker => worker.IsRunning), cancellationToken);
        await Eventually.TrueAsync(
            async () => await Client.MetricAsync("mdfs_repairs_running", cancellationToken) == 0
                && (await Client.AdminAsync("api/nodes", cancellationToken)).EnumerateArray().All(static node => node.GetProperty("pulls").GetInt32() == 0),
            "no copy is being made", MdfsClient.Patience, cancellationToken);
    }

    /// <summary>Not a number: the worker does not listen (yet).</summary>
    public static async Task<double> WorkerMetricAsync(ProcessNode worker, string name, CancellationToken cancellationToken, double? missing = null)
    {
        try
        {
            using var client = new MdfsClient(worker.Address, AdminKey);
            return await client.MetricAsync(name, cancellationToken, missing);
        }
        catch (HttpRequestException)
        {
            return double.NaN;
        }
    }

    /// <summary>Starts the front end and returns when it answers.</summary>
    public async Task StartFrontEndAsync(CancellationToken cancellationToken)
    {
        await FrontEnd.StartAsync();
        using var client = new MdfsClient(FrontEnd.Address, AdminKey);
        await WaitUntilHealthyAsync(FrontEnd, client, cancellationToken);
    }

    public MdfsClient ClientOf(ProcessNode master) => _clients[_masters.IndexOf(master)];

    /// <summary>The worker of that name, as <see cref="MovieFacts.Holders"/> gives it.</summary>
    public ProcessNode Worker(string name) => Workers.Single(worker => worker.Name == name);

    /// <summary>The network between a worker and those who read from it.</summary>
    public TcpLane Lane(ProcessNode worker) => (_lanes ?? throw new InvalidOperationException("This cluster was started without lanes."))[worker.Name];

    public string WorkerDirectory(ProcessNode worker) => _directory[worker.Name];

    /// <summary>Where Redis keeps its files: to be copied and put back while it does not run.</summary>
    public string RedisDirectory => _directory["redis"];

    /// <summary>A connection past the master, for what only an operator at the console of Redis does.</summary>
    public async Task<ConnectionMultiplexer> ConnectRedisAsync()
    {
        var options = ConfigurationOptions.Parse(RedisConnectionString);
        options.AllowAdmin = true;
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>Returns when Redis answers.</summary>
    public Task WaitForRedisAsync(CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () =>
        {
            if (!Redis.IsRunning)
                Assert.Fail($"Redis ended:\n{Redis.Output}");
            try
            {
                await using var connection = await ConnectRedisAsync();
                await connection.GetDatabase().PingAsync();
                return true;
            }
            catch (RedisException)
            {
                return false;
            }
        },
        "Redis answers", MdfsClient.Patience, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        foreach (var node in (ProcessNode[])[FrontEnd, .. _masters, .. Workers, Redis])
        {
            await node.DisposeAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"== {node.Name} ==\n{node.Output}");
        }
        foreach (var lane in _lanes?.Values ?? Enumerable.Empty<TcpLane>())
            await lane.DisposeAsync();
        _directory.Dispose();
    }

    private static async Task WaitUntilHealthyAsync(ProcessNode node, MdfsClient client, CancellationToken cancellationToken) =>
        await Eventually.TrueAsync(
            async () =>
            {
                if (!node.IsRunning)
                    Assert.Fail($"{node.Name} ended:\n{node.Output}");
                return await client.AnswersAsync(cancellationToken);
            },
            $"{node.Name} answers", MdfsClient.Patience, cancellationToken);

    private static string RedisProgram() => Tools.Require(_redisPrograms);

    private ProcessNode MasterNode(int number)
    {
        var port = TestPorts.Next();
        return new ProcessNode($"master-{number}", port, () => ServiceProcess.Start("Mdfs.Master",
            [.. _settings, Url(port), new("ConnectionStrings:redis", RedisConnectionString)]));
    }

    private ProcessNode FrontEndNode()
    {
        var port = TestPorts.Next();
        return new ProcessNode("front", port, () => ServiceProcess.Start("Mdfs.Web",
        [
            .. _settings, Url(port), new("Mdfs:Gateway:Enabled", "true"), new("ConnectionStrings:redis", RedisConnectionString),
            new("services:master:http:0", Master.Address.GetLeftPart(UriPartial.Authority)),
        ]));
    }

    private ProcessNode WorkerNode(int number)
    {
        var port = TestPorts.Next();
        var name = $"worker-{number}";
        _lanes?.Add(name, new TcpLane(port));
        return new ProcessNode(name, port, () => ServiceProcess.Start("Mdfs.Worker",
        [
            .. _settings, Url(port), new("Mdfs:Worker:Name", name), new("Mdfs:Worker:DataDirectory", _directory[name]),
            new("Mdfs:Worker:PublicUrl", Url(port).Value),
            .. _lanes is null ? Array.Empty<KeyValuePair<string, string>>() : [new("Mdfs:Worker:AdvertisedUrl", _lanes[name].Address.GetLeftPart(UriPartial.Authority))],
            .. _masters.Select((master, index) => new KeyValuePair<string, string>($"services:master:http:{index}", master.Address.GetLeftPart(UriPartial.Authority))),
        ]));
    }

    private ServiceProcess StartRedis(int port)
    {
        Directory.CreateDirectory(RedisDirectory);
        var text = port.ToString(CultureInfo.InvariantCulture);
        return _kind == RedisKind.Garnet
            ? ServiceProcess.Start("Mdfs.Garnet", [new("Mdfs:Garnet:Port", text), new("Mdfs:Garnet:DataDirectory", RedisDirectory)])
            : ServiceProcess.Run(RedisProgram(),
                ["--port", text, "--bind", "127.0.0.1", "--dir", RedisDirectory, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"]);
    }

    private static KeyValuePair<string, string> Url(int port) => new("urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
}
