using System.Net.Sockets;
using System.Text;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>A thousand players that were paused (design, section 11): what they cost in all processes together, and that each of them can go on.</summary>
public sealed class PausedPlayersTests
{
    private const int Players = 1000;
    private const long KiB = 1024;
    private static readonly MovieBytes Movie = new(9, 24 << 20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_thousand_paused_players_cost_256_KiB_each_over_all_processes_by_either_way_and_all_can_go_on(bool loops)
    {
        (string, string)[] portable = loops ? [] : [("Mdfs:EventLoops", "0")];
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:PauseTimeout", "00:00:02"), .. portable]);
        Assert.Equal(2, await cluster.Client.StoreAsync("paused.mp4", Movie, Cancelled));
        // In this order: straight from a worker the master has no part in it, so that what it needs for its own thousand it has not got yet.
        await PauseAsync(cluster, straight: true);
        await PauseAsync(cluster, straight: false);
        Assert.Equal(loops && OperatingSystem.IsLinux(), await cluster.Client.MetricAsync("mdfs_loop_requests_total", Cancelled, missing: -1) > 0);
    }

    private static async Task PauseAsync(ProcessCluster cluster, bool straight)
    {
        // What the first streams bring with them once (code, pools) is nobody's share.
        await WatchAsync(cluster, straight, 20, afterPause: players => Task.CompletedTask);
        ProcessNode[] processes = [cluster.Master, .. cluster.Workers];
        var before = processes.Sum(process => process.ResidentBytes);
        foreach (var process in processes) process.ForgetPeak();

        await WatchAsync(cluster, straight, Players, async players =>
        {
            var held = processes.Sum(process => process.ResidentBytes) - before;
            var peak = processes.Sum(process => process.PeakResidentBytes) - before;
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{Players} paused players {(straight ? "straight from a worker" : "through the master")}: {held / Players / KiB} KiB each now, {peak / Players / KiB} KiB at the most; {string.Join(", ", processes.Select(process => $"{process.Name} {process.ResidentBytes / KiB / KiB} MiB"))}");
            Assert.InRange(held / Players, 0, 256 * KiB);

            // All of them can be woken; every hundredth is, and gets the very bytes.
            foreach (var player in players.Where((_, index) => index % 100 == 0)) await player.GoOnAsync();
        });
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Starts so many players, which read a little and then nothing, and returns when no worker counts any of them any more.</summary>
    private static async Task WatchAsync(ProcessCluster cluster, bool straight, int count, Func<IReadOnlyList<Player>, Task> afterPause)
    {
        var players = new List<Player>();
        try
        {
            // Several at a time: who begins waits for the other side more than for a processor.
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancelled }, async (i, _) =>
            {
                var player = await Player.StartAsync(await AddressAsync(cluster, straight), i * 1000);
                lock (players) players.Add(player);
            });
            await Eventually.TrueAsync(
                async () => await StreamsAsync(cluster) == 0, "all workers are given back", MdfsClient.Patience, Cancelled);
            await afterPause(players);
        }
        finally
        {
            foreach (var player in players) player.Dispose();
        }
    }

    private static async Task<Uri> AddressAsync(ProcessCluster cluster, bool straight)
    {
        var play = new Uri(cluster.Client.Master, "play?name=paused.mp4");
        if (!straight) return play;
        return new Uri((await RawHttp.SendAsync(new Uri($"{play}&direct=1"), "", Cancelled))["Location"]!);
    }

    private static async Task<double> StreamsAsync(ProcessCluster cluster)
    {
        var all = 0.0;
        foreach (var worker in cluster.Workers) all += await ProcessCluster.WorkerMetricAsync(worker, "mdfs_worker_streams", Cancelled);
        return all;
    }

    private sealed class Player(Socket socket, long from, byte[] begun) : IDisposable
    {
        public static async Task<Player> StartAsync(Uri movie, long from)
        {
            // A small window, as of a player that holds its own buffer: what it does not take waits at the server.
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16 * 1024 };
            await socket.ConnectAsync(movie.Host, movie.Port, Cancelled);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {movie.PathAndQuery} HTTP/1.1\r\nHost: {movie.Authority}\r\nRange: bytes={from}-\r\n\r\n"), Cancelled);
            var buffer = new byte[4096];
            int read = 0, end;
            while ((end = buffer.AsSpan(0, read).IndexOf("\r\n\r\n"u8)) < 0)
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(read), Cancelled);
                Assert.NotEqual(0, count);
                read += count;
            }

            Assert.StartsWith("HTTP/1.1 206", Encoding.ASCII.GetString(buffer, 0, end), StringComparison.Ordinal);
            return new Player(socket, from, buffer[(end + 4)..read]);
        }

        /// <summary>Reads the rest, and compares all that came.</summary>
        public async Task GoOnAsync()
        {
            await using var body = new NetworkStream(socket);
            await using var expected = Movie.Open(from, Movie.Length - from);
            var (got, wanted) = (new byte[64 * 1024], new byte[64 * 1024]);
            begun.CopyTo(got, 0);
            var (count, left) = (begun.Length, Movie.Length - from);
            while (true)
            {
                await expected.ReadExactlyAsync(wanted.AsMemory(0, count), Cancelled);
                Assert.True(wanted.AsSpan(0, count).SequenceEqual(got.AsSpan(0, count)), $"other bytes at {Movie.Length - left}");
                left -= count;
                if (left == 0) return;
                count = await body.ReadAsync(got, Cancelled);
                Assert.NotEqual(0, count);
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
