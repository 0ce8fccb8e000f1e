using System.Globalization;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Campaign;

/// <summary>The cluster that a campaign attacks: real processes, each in a system of its own, with a breakable line wherever two of them talk. Its timings are those of <c>docs/reliability.md</c>.</summary>
public sealed class CampaignCluster : IAsyncDisposable
{
    private const int SmallDiskMegabytes = 96;

    /// <summary>What everything takes that is seconds on a quiet machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static readonly (string, string)[] _timings =
    [
        ("Mdfs:AdminKey", ProcessCluster.AdminKey), ("Mdfs:ClusterKey", "the cluster key of the campaign"), ("Mdfs:Master:NodeTimeout", "00:00:01"), ("Mdfs:Master:RepairInterval", "00:00:00.5"),
        ("Mdfs:Master:TrimGrace", "00:00:02"), ("Mdfs:Master:SupersededGrace", "00:00:02"), ("Mdfs:Master:IdleTimeout", "00:00:02"), ("Mdfs:Worker:IdleTimeout", "00:00:02"),
        ("Mdfs:Master:OpenTimeout", "00:00:02"), ("Mdfs:Master:CommitWait", "00:00:03"), ("Mdfs:Master:SealTimeout", "00:00:05"), ("Mdfs:Master:ReceiptTimeout", "00:00:10"), ("Mdfs:Master:RedisStartWait", "00:00:02"),
        ("Mdfs:Master:UploadExpiry", "00:00:30"), ("Mdfs:Worker:TrashRetention", "00:00:20"), ("Mdfs:Worker:ScrubPeriod", "00:00:06"), ("Mdfs:Master:MassLossDelay", "00:00:02"), ("Mdfs:Worker:StopsFor", "00:00:02")
    ];

    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, string> _settings;
    private readonly List<CampaignWorker> _workers = [];
    private readonly RedisKind _kind;

    private CampaignCluster(RedisKind kind, string library, IEnumerable<(string, string)> settings)
    {
        _kind = kind;
        _settings = FastTimings.With([.. _timings, .. settings]);
        var redis = TestPorts.Next();
        RedisSystem = new UnkindSystem(library, _directory["redis"], _directory["redis-limbo"], _directory["redis-side"]);
        Directory.CreateDirectory(_directory["redis"]);
        Directory.CreateDirectory(_directory["redis-limbo"]);
        Redis = new ProcessNode("redis", redis, () => StartRedis(redis));
        RedisLine = new NetworkProxy(redis);
        var port = TestPorts.Next();
        Master = new ProcessNode("master", port, () => ServiceProcess.Start("Mdfs.Master",
        [
            .. _settings, new("urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")),
            new("ConnectionStrings:redis", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{RedisLine.Address.Port}")),
        ]));
        Client = new MdfsClient(Master.Address, ProcessCluster.AdminKey);
    }

    public IReadOnlyList<CampaignWorker> Workers => _workers;

    public ProcessNode Master { get; }

    public ProcessNode Redis { get; }

    /// <summary>Between the master and Redis.</summary>
    public NetworkProxy RedisLine { get; }

    public UnkindSystem RedisSystem { get; }

    /// <summary>Whether what Redis has acknowledged outlives a power cut.</summary>
    public bool RedisIsDurable => _kind == RedisKind.RedisServer;

    public MdfsClient Client { get; }

    public IEnumerable<ProcessNode> Processes => [Redis, Master, .. _workers.Select(worker => worker.Node)];

    public static async Task<CampaignCluster> StartAsync(RedisKind store, int workers, CancellationToken cancellationToken, params IEnumerable<(string Key, string Value)> settings)
    {
        if (store == RedisKind.RedisServer) Tools.Require("redis-server");
        var cluster = new CampaignCluster(store, await UnkindSystem.CompileAsync(cancellationToken), settings);
        try
        {
            await cluster.AddWorkersAsync(workers, cancellationToken);
            foreach (var process in cluster.Processes) await process.StartAsync();
            await Eventually.TrueAsync(() => cluster.Client.AnswersAsync(cancellationToken), "the master answers", Patience, cancellationToken);
            await cluster.WaitForWorkersAsync(state => state is not "registering", cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Until all workers are in such a state. On a machine that is busy with other things their beats are late, and a second is little.</summary>
    public Task WaitForWorkersAsync(Func<string?, bool> state, CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                var nodes = await Client.AdminAsync("api/nodes", cancellationToken);
                return nodes.GetArrayLength() == _workers.Count && nodes.EnumerateArray().All(node => state(node.GetProperty("state").GetString()));
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        $"{_workers.Count} workers are there", Patience, cancellationToken);

    /// <summary>Makes the cluster older than it is, while no master runs: what is kept for a day is not waited for.</summary>
    public async Task AgeAsync(TimeSpan by)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Redis.Port}"));
        var key = connection.GetServers().Single().Keys(pattern: "*cluster-age").Single();
        var age = double.Parse(((string?)await connection.GetDatabase().StringGetAsync(key))!, CultureInfo.InvariantCulture);
        await connection.GetDatabase().StringSetAsync(key, (age + by.TotalSeconds).ToString("R", CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Master.DisposeAsync();
        foreach (var worker in _workers) await worker.DisposeAsync();
        await Redis.DisposeAsync();
        await RedisLine.DisposeAsync();
        _directory.Dispose();
    }

    private async Task AddWorkersAsync(int count, CancellationToken cancellationToken)
    {
        for (var number = 1; number <= count; number++)
        {
            var name = $"worker-{number}";
            // The last one has a disk that can be filled, where such a disk can be had.
            var disk = number == count ? await HeldDisk.TryMakeAsync(_directory[name], SmallDiskMegabytes, cancellationToken) : null;
            _workers.Add(new CampaignWorker(name, _directory[name], _directory[$"{name}-side"], await UnkindSystem.CompileAsync(cancellationToken), disk, Master.Port, _settings));
        }
    }

    private ServiceProcess StartRedis(int port)
    {
        var text = port.ToString(CultureInfo.InvariantCulture);
        if (!RedisIsDurable) return ServiceProcess.Start("Mdfs.Garnet", [new("Mdfs:Garnet:Port", text), new("Mdfs:Garnet:DataDirectory", _directory["redis"])]);
        // Without rewriting: a child process would write past the system's notes.
        return ServiceProcess.Run("env",
        [
            .. RedisSystem.Environment.Select(one => $"{one.Key}={one.Value}"), Tools.Require("redis-server"), "--port", text, "--bind", "127.0.0.1", "--dir", _directory["redis"], "--appendonly", "yes",
            "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction", "--auto-aof-rewrite-percentage", "0",
        ]);
    }
}
