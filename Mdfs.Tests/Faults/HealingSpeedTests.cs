using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Mdfs.Tests.Cluster;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>
/// How fast healing is, beside a plain copy over a connection with fsync between the same two directories in the same run, and what players notice of it. With nothing beside it.
/// What is asserted is far below what it reaches, since neighbours share the machine; the figures in docs/performance.md are of larger movies (MDFS_HEALING_MIB) in a Release build.
/// </summary>
[Collection(nameof(TransferMemoryTests))]
public sealed class HealingSpeedTests
{
    private const int Movies = 4;
    private const double Least = 0.3;

    /// <summary>Bytes of a movie; of one that is healed as fast as it can be.</summary>
    private static readonly long _size = Number("MDFS_HEALING_MIB", 64) << 20;

    /// <summary>And of one whose healing is long enough to look at players meanwhile.</summary>
    private static readonly long _longer = Number("MDFS_HEALING_MIB", 128) << 20;

    /// <summary>Bytes per second that healing is held to.</summary>
    private static readonly long _limit = Number("MDFS_HEALING_LIMIT", 60) * 1_000_000;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Healing_is_not_much_slower_than_a_plain_copy_with_fsync()
    {
        await using var cluster = await StartAsync(Movies, _size);
        var files = ReplicaDirectory.Files(cluster.WorkerDirectory(cluster.Workers[0])).ToList();
        var before = await CopyAsync(files, cluster.WorkerDirectory(cluster.Workers[1]));
        var healing = await HealAsync(cluster, Movies, _size);
        var after = await CopyAsync(files, cluster.WorkerDirectory(cluster.Workers[1]));
        var ratio = healing / ((before + after) / 2);
        TestContext.Current.TestOutputHelper!.WriteLine($"Healing {healing / 1e6:0} MB/s, plain copies {before / 1e6:0} and {after / 1e6:0} MB/s: {ratio:0.00}");
        Assert.True(ratio >= Least, $"Healing reaches {ratio:0.00} of a plain copy.");
    }

    [Fact]
    public async Task Healing_uses_what_it_is_allowed_and_players_hardly_notice_it()
    {
        const int movies = 2;
        await using var cluster = await StartAsync(movies, _longer, ("Mdfs:Worker:RepairBytesPerSecond", _limit.ToString(CultureInfo.InvariantCulture)));
        // What has just started compiles what it runs, which is not what players are to notice.
        await FirstBytesAsync(cluster.Client);
        var quiet = await FirstBytesAsync(cluster.Client);
        var healing = HealAsync(cluster, movies, _longer);
        var busy = await FirstBytesAsync(cluster.Client, run => Eventually.TrueAsync(
            async () => await PulledAsync(cluster.Workers[1]) > movies * _longer * (run + 1) / 8, "healing is well under way", MdfsClient.Patience, Cancelled));
        Assert.False(healing.IsCompleted, "Healing was over before players had looked at it.");
        var reached = await healing / _limit;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"With a limit of {_limit / 1e6:0} MB/s: {reached:0.00} of it; first byte {quiet.TotalMilliseconds:0.00} ms without healing, {busy.TotalMilliseconds:0.00} ms with it: {busy / quiet:0.00}");
        Assert.InRange(reached, 0.6, 1.1);
        Assert.True(busy < (10 * quiet) + TimeSpan.FromMilliseconds(100), $"A first byte takes {busy} while movies are healed, and {quiet} else.");
    }

    /// <summary>One worker has all movies, the other does not run yet.</summary>
    private static async Task<ProcessCluster> StartAsync(int movies, long size, params (string, string)[] settings)
    {
        var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, started: 1, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), .. settings]);
        // Plain copies are written where the other one is going to write.
        Directory.CreateDirectory(cluster.WorkerDirectory(cluster.Workers[1]));
        for (var i = 0; i < movies; i++) Assert.Equal(1, await cluster.Client.StoreAsync($"{i}.mp4", new MovieBytes((ulong)i, size), Cancelled));
        return cluster;
    }

    /// <summary>Bytes per second, from the first byte that comes until all copies are counted.</summary>
    private static async Task<double> HealAsync(ProcessCluster cluster, int movies, long size)
    {
        var target = cluster.Workers[1];
        await target.StartAsync();
        // From when it had not begun yet: where movies are small half of them may have been healed when it is first seen.
        var began = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(
            async () =>
            {
                var asked = Stopwatch.GetTimestamp();
                if (await PulledAsync(target) > 0) return true;
                began = asked;
                return false;
            },
            "healing has begun", MdfsClient.Patience, Cancelled);
        await Eventually.TrueAsync(async () => await PulledAsync(target) >= movies * size, "all bytes are there", MdfsClient.Patience * 5, Cancelled);
        await cluster.Client.WaitForWholeAsync(movies, Cancelled);
        return movies * size / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>The median of five runs of eight seeks.</summary>
    /// <param name="ready">Waited for before each run.</param>
    private static async Task<TimeSpan> FirstBytesAsync(MdfsClient client, Func<int, Task>? ready = null)
    {
        var medians = new List<TimeSpan>();
        var random = new Random(1);
        for (var run = 0; run < 5; run++)
        {
            if (ready is not null) await ready(run);
            var waits = new List<TimeSpan>();
            for (var seek = 0; seek < 8; seek++) waits.Add(await FirstByteAsync(client, random.NextInt64(_longer - (1 << 20))));
            medians.Add(Median(waits));
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"Runs: {string.Join(", ", medians.Select(median => $"{median.TotalMilliseconds:0.00}"))} ms");
        return Median(medians);
    }

    private static TimeSpan Median(List<TimeSpan> waits) => waits.Order().ElementAt(waits.Count / 2);

    private static async Task<TimeSpan> FirstByteAsync(MdfsClient client, long place)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, MdfsClient.DownloadPath("0.mp4"));
        request.Headers.Range = new RangeHeaderValue(place, null);
        var began = Stopwatch.GetTimestamp();
        using var response = await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        Assert.True(await body.ReadAsync(new byte[1], Cancelled) == 1);
        return Stopwatch.GetElapsedTime(began);
    }

    private static Task<double> PulledAsync(ProcessNode worker) => ProcessCluster.WorkerMetricAsync(worker, "mdfs_worker_pulled_bytes_total", Cancelled, missing: 0);

    /// <summary>Bytes per second, one file after the other, each through a connection and fsynced.</summary>
    private static async Task<double> CopyAsync(List<string> files, string directory)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var began = Stopwatch.GetTimestamp();
        foreach (var file in files)
        {
            using var sender = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await sender.ConnectAsync(listener.LocalEndpoint, Cancelled);
            using var receiver = await listener.AcceptSocketAsync(Cancelled);
            var sending = Task.Run(
                async () =>
                {
                    await sender.SendFileAsync(file, Cancelled);
                    sender.Shutdown(SocketShutdown.Send);
                },
                Cancelled);
            var copy = Path.Combine(directory, "plain copy");
            await using (var stream = new FileStream(copy, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                var buffer = new byte[256 << 10];
                for (int read; (read = await receiver.ReceiveAsync(buffer, Cancelled)) > 0;) await stream.WriteAsync(buffer.AsMemory(0, read), Cancelled);
                stream.Flush(flushToDisk: true);
            }

            await sending;
            File.Delete(copy);
        }

        return files.Sum(static file => new FileInfo(file).Length) / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static long Number(string variable, long usual) => long.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : usual;
}
