using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Mdfs.Benchmarks.Load;
using Mdfs.Benchmarks.Micro;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// A real master and a real redis-server with a million movies: how long the catalog takes to be written and to be loaded, what it weighs in either, and what the reports of a
/// hundred nodes cost. Only the nodes' disks are missing.
/// </summary>
internal static class MasterAtScale
{
    private const int Nodes = 100;
    private const int AtOnce = 8;

    public static async Task<int> RunAsync(int movies)
    {
        if (!OperatingSystem.IsLinux() || Program() is not { } program)
        {
            Console.Error.WriteLine("This needs Linux and redis-server.");
            return 2;
        }

        var directory = Directory.CreateTempSubdirectory("mdfs-scale-").FullName;
        try
        {
            var (redisPort, masterPort) = (MdfsServers.FreePort(), MdfsServers.FreePort());
            using var redis = ServerProcess.Start("redis", program, ["--port", Text(redisPort), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
            var entries = await FillAsync(redis, Text(redisPort), movies);
            Say($"redis-server: {redis.ResidentBytes / (double)movies:0} bytes of memory per movie, {new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) / (double)movies:0} bytes of log");

            var watch = Stopwatch.StartNew();
            // A minute of silence, since one process speaks for a hundred nodes here.
            using var master = MdfsServers.Service("master", "Mdfs.Master", $"--urls=http://127.0.0.1:{masterPort}", $"--ConnectionStrings:redis=127.0.0.1:{redisPort}", "--Mdfs:Master:NodeTimeout=00:01:00");
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{masterPort}"), Timeout = TimeSpan.FromMinutes(3) };
            var name = Uri.EscapeDataString(ManyMovies.Name(movies / 2).Value);
            await Patiently.UntilAsync(async () => (await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/play?name={name}"))).IsSuccessStatusCode, "the master answers");
            Say($"master: the first answer after {watch.Elapsed.TotalSeconds:0.0} s ({master.CpuSeconds:0.0} s of processor time, redis-server beside it); {Weight(master, movies)}");

            var nodes = Report(entries, http);
            await JoinAsync(master, nodes, movies);
            await BeatAsync(master, nodes, movies);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return 0;
    }

    /// <summary>By the way that a master goes whose Redis was wiped: it writes down what it remembers.</summary>
    private static async Task<List<CatalogEntry>> FillAsync(ServerProcess redis, string port, int movies)
    {
        // A page of 500 movies is one command, and one fsync.
        var options = new CatalogStoreOptions { RedisOperationTimeout = TimeSpan.FromSeconds(30) };
        var settings = new ConfigurationOptions { EndPoints = { $"127.0.0.1:{port}" } };
        RedisSettings.Apply(settings, options);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(settings);
        await using var store = new CatalogStore(connection, Options.Create(options), TimeProvider.System, NullLogger<CatalogStore>.Instance);
        await Patiently.UntilAsync(async () => await store.TakeEpochAsync(0, CancellationToken.None) is EpochOutcome.Taken, "Redis answers");
        await store.LoadAsync(CancellationToken.None);
        ImmutableArray<NodeId>[] hints = [.. Enumerable.Range(0, Nodes).Select(node => (ImmutableArray<NodeId>)[SimulatedNodes.Id(node), SimulatedNodes.Id((node + 1) % Nodes)])];
        var entries = Enumerable.Range(0, movies).Select(number => new CatalogEntry(ManyMovies.Replica(number), hints[number % Nodes])).ToList();
        store.Remember(() => new CatalogMemory(entries, [], [], ManyMovies.Cluster, entries[^1].Version, 0));
        await connection.GetServer(connection.GetEndPoints()[0]).FlushAllDatabasesAsync();
        var cpu = redis.CpuSeconds;
        RestoreReport? report = null;
        store.Restored += found => report = found;
        await Patiently.UntilAsync(async () => (await store.CheckAsync(CancellationToken.None)).State == StoreState.Serving && report is not null, "Redis is written");
        Say($"a wiped redis-server (appendfsync always): {movies} movies written back in {report!.Took.TotalSeconds:0.0} s, {redis.CpuSeconds - cpu:0.0} s of its processor time");
        return entries;
    }

    private static List<ReportingNode> Report(List<CatalogEntry> entries, HttpClient http)
    {
        var tokens = new NodeTokens(new ClusterKeys(MdfsServers.ClusterKey));
        var nodes = Enumerable.Range(0, Nodes).Select(number => new ReportingNode(number, http, tokens, ManyMovies.Cluster)).ToList();
        for (var number = 0; number < entries.Count; number++)
        {
            nodes[number % Nodes].Load(entries[number].Replica);
            nodes[(number + 1) % Nodes].Load(entries[number].Replica);
        }

        return nodes;
    }

    private static async Task JoinAsync(ServerProcess master, List<ReportingNode> nodes, int movies)
    {
        var (cpu, watch, pages) = (master.CpuSeconds, Stopwatch.StartNew(), 0);
        await ForAllAsync(nodes, async node =>
        {
            // The first is heard before it knows whom to obey, and tells nothing yet.
            await node.BeatAsync();
            if (await node.BeatAsync()) Interlocked.Add(ref pages, await node.SendInventoryAsync());
        });
        Say($"the inventories of {Nodes} nodes: {pages} pages, {nodes.Sum(node => node.SentBytes) / (double)nodes.Sum(node => node.Replicas):0} bytes per copy, taken in {watch.Elapsed.TotalSeconds:0.0} s, {(master.CpuSeconds - cpu) * 1e6 / nodes.Sum(node => node.Replicas):0.0} µs of the master's processor time per copy; then {Weight(master, movies)}");
    }

    private static async Task BeatAsync(ServerProcess master, List<ReportingNode> nodes, int movies)
    {
        await CostAsync("an idle beat", 20, node => Task.CompletedTask);
        var some = nodes.ToDictionary(node => node, node => node.Some(100).ToList());
        await CostAsync("a beat with 100 changes", 5, node =>
        {
            some[node].ForEach(node.Touch);
            return Task.CompletedTask;
        });

        // As they come in life: each node every 5 seconds.
        var (cpu, sent, received, watch) = (master.CpuSeconds, nodes.Sum(node => node.SentBytes), nodes.Sum(node => node.ReceivedBytes), Stopwatch.StartNew());
        for (var second = 0; second < 40; second++)
        {
            await ForAllAsync(nodes.Where((_, at) => at % 5 == second % 5).ToList(), node => node.BeatAsync());
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, second + 1 - watch.Elapsed.TotalSeconds)));
        }

        var seconds = watch.Elapsed.TotalSeconds;
        Say($"{Nodes} idle nodes, each heard every 5 s: {(nodes.Sum(node => node.SentBytes) - sent) / seconds:0} bytes/s in and {(nodes.Sum(node => node.ReceivedBytes) - received) / seconds:0} out; {(master.CpuSeconds - cpu) * 100 / seconds:0.0} % of a core for all that the master does, beats and looking after copies included; the most memory was {master.PeakResidentBytes >> 20} MiB, now {Weight(master, movies)}");

        async Task CostAsync(string what, int rounds, Func<ReportingNode, Task> before)
        {
            var (cpuBefore, sentBefore, receivedBefore, began) = (master.CpuSeconds, nodes.Sum(node => node.SentBytes), nodes.Sum(node => node.ReceivedBytes), Stopwatch.StartNew());
            for (var round = 0; round < rounds; round++)
            {
                await ForAllAsync(nodes, async node =>
                {
                    await before(node);
                    if (await node.BeatAsync()) throw new InvalidOperationException("The whole was asked for again.");
                });
            }

            var count = rounds * (double)nodes.Count;
            Say($"{what}: {(nodes.Sum(node => node.SentBytes) - sentBefore) / count:0} bytes in, {(nodes.Sum(node => node.ReceivedBytes) - receivedBefore) / count:0} out, {(master.CpuSeconds - cpuBefore) * 1e3 / count:0.00} ms of the master's processor time, {count / began.Elapsed.TotalSeconds:0} a second by {AtOnce} at once");
        }
    }

    private static Task ForAllAsync(List<ReportingNode> nodes, Func<ReportingNode, Task> actAsync) =>
        Parallel.ForEachAsync(nodes, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (node, _) => await actAsync(node));

    private static FormattableString Weight(ServerProcess master, int movies) => $"{master.ResidentBytes >> 20} MiB, {master.ResidentBytes / (double)movies:0} bytes per movie";

    private static string? Program() => ((string[])["/usr/bin/redis-server", "/usr/local/bin/redis-server"]).FirstOrDefault(File.Exists);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
