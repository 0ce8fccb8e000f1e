using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.Standalone;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mdfs.Tests.Cluster;

/// <summary>Requests that a loop answers, and those with which a connection goes to the server: a client cannot tell them apart (docs/decisions/event-loops.md).</summary>
public sealed class EventLoopTests
{
    private const string Get = "GET /download?name=a.mp4 HTTP/1.1\r\nHost: localhost\r\n";
    private static readonly MovieBytes Movie = new(4, 300_000);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_in_a_row_are_answered_in_order_although_the_connection_changes_hands_between_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1);
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        using var client = await ConnectAsync(cluster);
        // All at once. The third is a question for the server, and so is all that follows.
        await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}Range: bytes=1000-1999\r\n\r\n{Get}\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n{Get}Range: bytes=-5\r\nConnection: close\r\n\r\n"), _test);
        var said = await ReadAsync(client);

        var bodies = Bodies(said);
        Assert.Equal(["206", "200", "200", "206"], bodies.Select(static body => body.Status));
        var whole = Movie.ToArray();
        Assert.Equal(whole[1000..2000], bodies[0].Body);
        Assert.Equal(whole, bodies[1].Body);
        Assert.Equal(whole[^5..], bodies[3].Body);
        Assert.Equal(2, await AnsweredOnLoopsAsync(cluster));
    }

    [Fact]
    public async Task What_is_more_than_a_part_of_a_movie_is_answered_by_the_server()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1);
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        foreach (var (header, status) in ((string, int)[])[("If-None-Match: *", 304), ("Range: bytes=400000-", 416), ("If-Match: \"1\"", 412), ("Content-Length: 0", 200), ("Range: bytes=0-1,5-6", 206)])
        {
            using var client = await ConnectAsync(cluster);
            await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}{header}\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), _test);
            Assert.StartsWith($"HTTP/1.1 {status} ", Encoding.Latin1.GetString(await ReadAsync(client)), StringComparison.Ordinal);
            Assert.True(await AnsweredOnLoopsAsync(cluster) == 0, $"A loop has answered '{header}'.");
        }
    }

    [Fact]
    public async Task A_request_that_comes_in_pieces_is_understood()
    {
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1);
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        using var client = await ConnectAsync(cluster);
        foreach (var part in (string[])["GET /down", "load?name=a.mp4 HTTP/1.1\r\nHo", "st: localhost\r\nConnection: close\r\n\r", "\n"])
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(part), _test);
            await Task.Yield();
        }

        Assert.Equal(Movie.ToArray(), Assert.Single(Bodies(await ReadAsync(client))).Body);
    }

    [Fact]
    public async Task A_client_that_takes_nothing_keeps_its_worker_for_as_long_as_the_option_says_and_goes_on_afterwards()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        // Longer than the default, so that it is waited for however busy this machine is.
        var pause = TimeSpan.FromSeconds(7);
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1, settings: ("Mdfs:Master:PauseTimeout", $"{pause}"));
        var movie = new MovieBytes(5, 32 << 20);
        await cluster.Client.StoreAsync("a.mp4", movie, _test);
        var node = NodeId.Parse((await cluster.Client.FactsAsync("a.mp4", _test))!.Nodes.Single().Id);
        var streams = cluster.Cluster.Master.Services.GetRequiredService<StreamCounter>();
        using var client = await ConnectAsync(cluster);
        var since = TimeProvider.System.GetTimestamp();
        await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}Connection: keep-alive\r\n\r\n"), _test);
        await Eventually.TrueAsync(() => streams.OnNode(node) == 1, "it is being served", MdfsClient.Patience, _test);
        await Eventually.TrueAsync(() => streams.OnNode(node) == 0, "the worker is given back", MdfsClient.Patience, _test);
        // The loop looks at its clock before it waits, and may see a moment later that nothing is taken.
        Assert.InRange(TimeProvider.System.GetElapsedTime(since), pause - TimeSpan.FromSeconds(0.5), MdfsClient.Patience);

        await using var said = new NetworkStream(client);
        await said.SkipHeadAsync(_test);

        var body = new byte[movie.Length];
        await said.ReadExactlyAsync(body, _test);
        Assert.Equal(movie.ToArray(), body);
        Assert.Equal(1, await cluster.Client.MetricAsync("mdfs_downloads_resumed_total", _test));
        await Eventually.TrueAsync(async () => await AnsweredOnLoopsAsync(cluster) == 1, "a loop has answered", MdfsClient.Patience, _test);
    }

    [Fact]
    public async Task What_another_worker_brings_after_the_first_has_failed_is_counted_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 2);
        var movie = new MovieBytes(6, 48 << 20);
        await cluster.Client.StoreAsync("a.mp4", movie, _test);
        var nodes = (await cluster.Client.FactsAsync("a.mp4", _test))!.Nodes;
        var master = cluster.Cluster.Master.Services;
        var (streams, metrics) = (master.GetRequiredService<StreamCounter>(), master.GetRequiredService<StreamMetrics>());
        using var client = await ConnectAsync(cluster);
        await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}Connection: keep-alive\r\n\r\n"), _test);
        await using var said = new NetworkStream(client);
        await said.SkipHeadAsync(_test);

        // More than all buffers on the way hold: its end has not been read yet.
        var source = Assert.Single(nodes, node => streams.OnNode(NodeId.Parse(node.Id)) == 1);
        BitRot.Flip(cluster.ReplicaFiles(cluster.Worker(source.Node)).Single(), movie.Length - 1000);

        var body = new byte[movie.Length];
        await said.ReadExactlyAsync(body, _test);
        Assert.Equal(movie.ToArray(), body);
        // Counted when it has come to its end, which is after its last byte is here.
        await Eventually.TrueAsync(async () => await cluster.Client.MetricAsync("mdfs_failovers_total", _test) == 1, "another one went on", MdfsClient.Patience, _test);
        await Eventually.TrueAsync(async () => await AnsweredOnLoopsAsync(cluster) == 1, "a loop has answered", MdfsClient.Patience, _test);
        Assert.Equal(movie.Length, metrics.BytesGiven);
    }

    [Fact]
    public async Task A_worker_s_connection_is_watched_by_the_loop_and_by_nobody_else()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1);
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        using var client = await ConnectAsync(cluster);
        await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}\r\n"), _test);
        await using var said = new NetworkStream(client);
        await said.SkipHeadAsync(_test);

        // It is kept for the next one now. What moves from one to the other at this moment may be seen with both.
        await said.ReadExactlyAsync(new byte[Movie.Length], _test);
        await Eventually.TrueAsync(() => WatchedTwice().Count == 0, "no socket is watched twice", MdfsClient.Patience, _test);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("nobody.invalid", false)]
    [InlineData("not an address", false)]
    public async Task A_worker_is_found_by_its_name_or_it_is_said_that_it_is_not(string host, bool found)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var loop = new EventLoop("test", NullLogger.Instance);
        var (source, failure) = await ConnectAsync(loop, $"http://{host}:{((IPEndPoint)listener.LocalEndpoint).Port}");
        Assert.Equal(found, source is not null);
        Assert.Equal(found, failure is null);
    }

    [Fact]
    public async Task A_worker_that_does_not_listen_and_one_that_does_not_answer_are_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        using var loop = new EventLoop("test", NullLogger.Instance);
        Assert.IsType<NodeFailure.Unreachable>((await ConnectAsync(loop, $"http://127.0.0.1:{TestPorts.Next()}")).Failure);

        using var full = Full(0);
        Assert.Contains("in time", Assert.IsType<NodeFailure.Unreachable>(await FillAsync(loop, ((IPEndPoint)full.LocalEndPoint!).Port)).Detail);
    }

    [Fact]
    public async Task A_client_is_answered_although_its_worker_is_given_up_before_it_could_be_reached()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1, settings: ("Mdfs:Master:IdleTimeout", "00:00:00.3"));
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        // In its place somebody who takes no notice of anybody.
        using var full = await InPlaceOfAsync(cluster.Workers[0]);
        var port = ((IPEndPoint)full.LocalEndPoint!).Port;
        using var loop = new EventLoop("test", NullLogger.Instance);
        await FillAsync(loop, port);
        using var client = await ConnectAsync(cluster);
        await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}\r\n"), _test);
        await using var said = new NetworkStream(client);
        Assert.StartsWith("HTTP/1.1 50", await said.LineAsync(_test), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_leaves_before_the_first_byte_has_come_is_counted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var cluster = await TestCluster.StartAsync(_test, workers: 1, settings: ("Mdfs:Master:IdleTimeout", $"{MdfsClient.Patience}"));
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        var node = NodeId.Parse((await cluster.Client.FactsAsync("a.mp4", _test))!.Nodes.Single().Id);
        var streams = cluster.Cluster.Master.Services.GetRequiredService<StreamCounter>();
        // In its place somebody who listens and says nothing.
        using var silent = await InPlaceOfAsync(cluster.Workers[0]);
        using (var client = await ConnectAsync(cluster))
        {
            await client.SendAsync(Encoding.ASCII.GetBytes($"{Get}\r\n"), _test);
            await Eventually.TrueAsync(() => streams.OnNode(node) == 1, "the worker is asked", MdfsClient.Patience, _test);
            client.LingerState = new LingerOption(true, 0);
        }

        await Eventually.TrueAsync(
            async () => await cluster.Client.MetricAsync("mdfs_downloads_total{outcome=\"ClientGone\"}", _test) == 1, "it is counted", MdfsClient.Patience, _test);
        Assert.Equal(0, streams.OnNode(node));
    }

    [Fact]
    public async Task A_request_over_which_a_loop_fails_is_answered_by_the_server()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection([new("urls", "http://127.0.0.1:0"), new("Logging:Console:LogLevel:Default", "None"), new("Mdfs:AdminKey", MasterRig.AdminKey), new("Mdfs:ClusterKey", MasterRig.ClusterKey), new(LoopHosting.Setting, "1")]);
        builder.AddMdfsServiceDefaults("mdfs-test");
        builder.AnswerOnLoops<Stumbling>(leaveAtOnce: true);
        await using var app = builder.Build();
        app.Map("/a", () => "the server");
        await app.StartAsync(_test);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Assert.Equal("the server", await http.GetStringAsync("a", _test));
    }

    [Fact]
    public async Task What_is_posted_to_a_loop_that_has_ended_is_done_all_the_same_and_nothing_is_connected_any_more()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        var loop = new EventLoop("test", NullLogger.Instance);
        var done = 0;
        // Some before the end, some in the middle of it, some after it.
        var posting = Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++) loop.Post(_ => Interlocked.Increment(ref done), loop);
        }, _test);
        loop.Dispose();
        await posting;
        await Eventually.TrueAsync(() => Volatile.Read(ref done) == 10_000, "all is done", MdfsClient.Patience, _test);
        Assert.NotNull((await ConnectAsync(loop, "http://127.0.0.1:9")).Failure);
    }

    private static Socket Full(int port)
    {
        var full = new Socket(SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, port));
        full.Listen(0);
        return full;
    }

    private static async Task<Socket> InPlaceOfAsync(StandaloneService worker)
    {
        var port = worker.Address.Port;
        await worker.StopAsync();
        return Full(port);
    }

    // Until nobody else is let in, or even told that he is not.
    private static async Task<NodeFailure> FillAsync(EventLoop loop, int port)
    {
        for (var waiting = 0; waiting < 10; waiting++)
        {
            if ((await ConnectAsync(loop, $"http://127.0.0.1:{port}")).Failure is { } failure) return failure;
        }

        throw new InvalidOperationException("Everybody is let in.");
    }

    private static async Task<(LoopSource? Source, NodeFailure? Failure)> ConnectAsync(EventLoop loop, string address)
    {
        var came = new TaskCompletionSource<(LoopSource?, NodeFailure?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(_ => loop.Sources.Connect(address, (source, failure) => came.SetResult((source, failure))), loop);
        return await came.Task.WaitAsync(MdfsClient.Patience);
    }

    // Files of this process that more than one set of watched ones holds.
    private static List<string> WatchedTwice()
    {
        var watched = new List<string>();
        foreach (var info in Directory.GetFiles("/proc/self/fdinfo"))
        {
            try
            {
                watched.AddRange(File.ReadLines(info).Where(static line => line.StartsWith("tfd:", StringComparison.Ordinal)).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
            }
            catch (IOException)
            {
                // Closed in the meantime.
            }
        }

        return [.. watched.GroupBy(static file => file).Where(static group => group.Count() > 1).Select(static group => group.Key)];
    }

    private async Task<Socket> ConnectAsync(TestCluster cluster)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(cluster.Client.Master.Host, cluster.Client.Master.Port, _test);
        return client;
    }

    private async Task<byte[]> ReadAsync(Socket client)
    {
        var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await client.ReceiveAsync(buffer, _test).AsTask().WaitAsync(MdfsClient.Patience, _test)) > 0;) all.Write(buffer, 0, read);
        return all.ToArray();
    }

    private async Task<double> AnsweredOnLoopsAsync(TestCluster cluster)
    {
        using var http = new HttpClient { BaseAddress = cluster.Client.Master };
        var line = (await http.GetStringAsync("metrics", _test)).Split('\n').Single(static line => line.StartsWith("mdfs_loop_requests_total", StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private static List<(string Status, byte[] Body)> Bodies(byte[] said)
    {
        var answers = new List<(string, byte[])>();
        while (said.Length > 0)
        {
            var end = said.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
            var head = Encoding.Latin1.GetString(said, 0, end);
            var at = head.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
            byte[] body;
            if (at >= 0)
            {
                var length = int.Parse(head[(at + 16)..].Split("\r\n")[0], CultureInfo.InvariantCulture);
                body = said[end..(end + length)];
                said = said[(end + length)..];
            }
            else
            {
                // Chunked: only what the server says of itself.
                var last = said.AsSpan(end).IndexOf("0\r\n\r\n"u8);
                body = [];
                said = said[(end + last + 5)..];
            }

            answers.Add((head.Split(' ')[1], body));
        }

        return answers;
    }

    private sealed class Stumbling : ILoopServer
    {
        public LoopAnswer? TryAnswer(in RequestHead head) => throw new FormatException("A mistake of ours.");
    }
}
