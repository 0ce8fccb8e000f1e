using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mdfs.Benchmarks.Load;

/// <summary>A cluster of processes as an operator starts it: Garnet, a master and workers, from the binaries beside the driver's own.</summary>
internal sealed class MdfsServers : IDisposable
{
    public const string Key = "the admin key of the load driver";

    public const string ClusterKey = "the cluster key of the load driver";

    // Waiting that only a starved machine needs; nothing else differs from the defaults, but the trash, which would keep every upload.
    private static readonly string[] _patience =
    [
        "--Mdfs:Master:OpenTimeout=00:00:30", "--Mdfs:Master:SealTimeout=00:00:30", "--Mdfs:Master:CommitWait=00:01:30", "--Mdfs:Master:NodeTimeout=00:00:45", "--Mdfs:Worker:TrashRetention=00:00:00",
    ];

    // As for tests, below the range that systems give to outgoing connections, any of which could sit on the port of a worker while it is away; and apart from theirs, which run beside the driver.
    private const int FirstPort = 12_000;
    private const int Ports = 8_000;

    private static int _nextPort = Random.Shared.Next(Ports);

    private readonly string _directory;
    private readonly string _fresh;
    private readonly int _masterPort = FreePort();
    private readonly List<(string Name, int Port, ServerProcess Process)> _workers = [];
    private readonly int _redisPort = FreePort();

    private MdfsServers(string directory, string fresh)
    {
        _fresh = fresh;
        _directory = directory;
        Redis = Service("redis", "Mdfs.Garnet", $"--Mdfs:Garnet:Port={_redisPort}", $"--Mdfs:Garnet:DataDirectory={Path.Combine(directory, "redis")}");
        Master = Service("master", "Mdfs.Master", $"--urls=http://127.0.0.1:{_masterPort}", $"--ConnectionStrings:redis=127.0.0.1:{_redisPort}");
    }

    public ServerProcess Redis { get; }

    public ServerProcess Master { get; }

    public IReadOnlyList<ServerProcess> Workers => [.. _workers.Select(worker => worker.Process)];

    public IReadOnlyList<ServerProcess> All => [Redis, Master, .. Workers];

    public Uri Address => new($"http://127.0.0.1:{_masterPort}/");

    public static async Task<MdfsServers> StartAsync(string directory, int workers, string fresh)
    {
        var servers = new MdfsServers(directory, fresh);
        try
        {
            for (var number = 1; number <= workers; number++) servers.StartWorker($"worker-{number}", FreePort());
            using var http = new HttpClient { BaseAddress = servers.Address };
            await Patiently.UntilAsync(async () => (await http.GetStringAsync("metrics")).Contains($"\nmdfs_active_nodes {workers}\n", StringComparison.Ordinal), "the workers are live");
            await Patiently.UntilAsync(async () => (await http.GetAsync("api/files/none.mp4")).StatusCode == HttpStatusCode.NotFound, "the catalog is known to be empty");
            return servers;
        }
        catch
        {
            servers.TellLastWords();
            servers.Dispose();
            throw;
        }
    }

    /// <summary>For whoever wants to know why it failed: what each of them said last.</summary>
    public void TellLastWords()
    {
        foreach (var server in All) Console.Error.WriteLine($"== {server.Name} ==\n{server.LastWords}");
    }

    /// <summary>The worker that listens on this port.</summary>
    public ServerProcess WorkerAt(int port) => _workers.Single(worker => worker.Port == port).Process;

    /// <summary>Kills a worker and returns what starts it again.</summary>
    public Action KillWorker(ServerProcess process)
    {
        var index = _workers.FindIndex(worker => worker.Process == process);
        var (name, port, _) = _workers[index];
        process.Dispose();
        _workers.RemoveAt(index);
        return () => StartWorker(name, port);
    }

    /// <summary>A metric, summed over the processes that have it.</summary>
    /// <param name="missing">What it is where none has: counters begin when they first count. Without it that is an error, since 0 would be within every bound.</param>
    public async Task<double> MetricAsync(string name, double? missing = null)
    {
        using var http = new HttpClient();
        double? sum = null;
        foreach (var address in (IEnumerable<Uri>)[Address, .. _workers.Select(worker => new Uri($"http://127.0.0.1:{worker.Port}/"))])
        {
            foreach (var line in (await http.GetStringAsync(new Uri(address, "metrics"))).Split('\n'))
            {
                var parts = line.Split(' ');
                if (parts.Length >= 2 && parts[0].Split('{')[0] == name) sum = (sum ?? 0) + double.Parse(parts[1], CultureInfo.InvariantCulture);
            }
        }

        return sum ?? missing ?? throw new InvalidOperationException($"No process has a metric {name}.");
    }

    public void Dispose()
    {
        foreach (var process in All.Reverse()) process.Dispose();
    }

    internal static int FreePort()
    {
        for (var attempt = 0; attempt < Ports; attempt++)
        {
            var port = FirstPort + (int)((uint)Interlocked.Increment(ref _nextPort) % Ports);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it; the next one then.
            }
        }

        throw new InvalidOperationException($"No port from {FirstPort} to {FirstPort + Ports - 1} is free.");
    }

    private void StartWorker(string name, int port) => _workers.Add((name, port, Service(
        name, "Mdfs.Worker", $"--urls=http://127.0.0.1:{port}", $"--services:master:http:0={Address.GetLeftPart(UriPartial.Authority)}", $"--Mdfs:Worker:Name={name}",
        $"--Mdfs:Worker:DataDirectory={Path.Combine(_directory, name)}", $"--Mdfs:Worker:PublicUrl=http://127.0.0.1:{port}", $"--Mdfs:Worker:VerifyFreshness={_fresh}")));

    internal static ServerProcess Service(string name, string project, params string[] settings)
    {
        var ours = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var program = Path.Combine(ours.Parent!.Parent!.FullName, project, ours.Name, project);
        if (!File.Exists(program)) throw new FileNotFoundException($"{project} was expected at {program}, built together with the driver.", program);
        return ServerProcess.Start(name, program, [$"--Mdfs:AdminKey={Key}", $"--Mdfs:ClusterKey={ClusterKey}", .. _patience, .. settings]);
    }
}
