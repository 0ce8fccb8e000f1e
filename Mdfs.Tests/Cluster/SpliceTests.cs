using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mdfs.Tests.Cluster;

/// <summary>Movies that the system passes on from a worker's connection to a client's, and the same through memory (docs/decisions/splice.md): nobody can tell from the bytes which it was.</summary>
public sealed partial class SpliceTests
{
    private static readonly MovieBytes Movie = new(12, (24 << 20) + 123);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("true", "00:00:00")]
    [InlineData("true", "01:00:00")]
    [InlineData("false", "00:00:00")]
    public async Task Every_window_of_a_movie_is_exactly_those_bytes_for_clients_of_any_pace(string splice, string freshness)
    {
        await using var cluster = await TestCluster.StartAsync(_test, workers: 2, settings: [(LoopPipes.Setting, splice), ("Mdfs:Worker:VerifyFreshness", freshness)]);
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        var movie = Movie.ToArray();
        var chance = new Random(12);
        (int From, int To)[] windows = [(0, movie.Length), (1, movie.Length), (0, movie.Length - 1), .. Enumerable.Range(0, 12).Select(_ => Window(chance, movie.Length))];
        // Those who take all they get, and those who take little at a time, whose sockets are full again and again.
        for (var i = 0; i < windows.Length; i++)
        {
            var (from, to) = windows[i];
            using var client = await AskAsync(cluster, from, to, i % 3 == 0 ? 8 * 1024 : 0);
            var body = await ReadAsync(client, to - from, i % 3 == 0 ? 3000 : 256 * 1024);
            Assert.True(body.AsSpan().SequenceEqual(movie.AsSpan(from, to - from)), $"Bytes {from} to {to} are others.");
        }

        await AssertPassedAsync(cluster, splice == "true", movie);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task More_clients_than_there_are_pipes_get_the_very_bytes_also_while_others_leave(string splice)
    {
        await using var cluster = await TestCluster.StartAsync(_test, workers: 2, settings: (LoopPipes.Setting, splice));
        await cluster.Client.StoreAsync("a.mp4", Movie, _test);
        var movie = Movie.ToArray();
        var clients = new List<(int From, Socket Client)>();
        for (var i = 0; i < LoopPipes.Most + 40; i++)
        {
            // They read nothing yet, so that each has something on its way.
            var from = i * 10_007;
            clients.Add((from, await AskAsync(cluster, from, movie.Length, 16 * 1024)));
        }

        await Parallel.ForAsync(0, clients.Count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = _test }, async (i, _) =>
        {
            var (from, client) = clients[i];
            // Two of three break off in the middle.
            var count = i % 3 == 0 ? 3 << 20 : i % 3 == 1 ? 6 << 20 : movie.Length - from;
            var body = await ReadAsync(client, count, 64 * 1024);
            if (i % 3 == 0) client.LingerState = new LingerOption(true, 0);
            client.Dispose();
            Assert.True(body.AsSpan().SequenceEqual(movie.AsSpan(from, count)), $"Client {i} got others.");
        });
        // More of them have broken off than there are pipes.
        await AssertPassedAsync(cluster, splice == "true", movie);
    }

    [Fact]
    public void Pipes_are_lent_up_to_their_number_and_one_that_still_holds_something_to_nobody()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        using var pipes = Pipes();
        var lent = new List<LoopPipe>();
        var (from, to) = Connection();
        using (from)
        using (to)
        {
            while (pipes.TryRent() is { } pipe) lent.Add(pipe);
            // Fewer where this user's other processes have the rest of them.
            Assert.InRange(lent.Count, 2, LoopPipes.Most);
            Send(from, "what is left"u8, to);
            Assert.Equal(12, lent[0].Fill(Handle(to), 100));
            lent[0].Dispose();
            lent[1].Dispose();
            var again = Assert.IsType<LoopPipe>(pipes.TryRent());
            Assert.Equal(0, again.Held);
            Send(from, "new"u8, to);
            Assert.Equal((3, 3), (again.Fill(Handle(to), 100), again.Held));
            Assert.Equal((LoopPassing.Passed, 3), (again.EmptyInto(Handle(to), out var count), count));
            var came = new byte[10];
            Assert.Equal("new", Encoding.ASCII.GetString(came, 0, from.Receive(came)));
            again.Dispose();
        }

        foreach (var pipe in lent[2..]) pipe.Dispose();
    }

    [Fact]
    public void A_system_that_refuses_is_not_asked_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        using var from = Pipes();
        // Whatever comes out of nothing, the system passes on none of it by itself.
        using var nothing = File.OpenHandle("/dev/null");
        using (var pipe = from.TryRent()!) Assert.True(pipe.Fill((int)nothing.DangerousGetHandle(), 100) < 0);
        Assert.Null(from.TryRent());

        using var to = Pipes();
        var (sender, receiver) = Connection();
        using (sender)
        using (receiver)
        {
            Send(sender, "bytes"u8, receiver);
            var pipe = to.TryRent()!;
            Assert.Equal(5, pipe.Fill(Handle(receiver), 100));
            var counter = eventfd(0, 0);
            Assert.Equal(LoopPassing.None, pipe.EmptyInto(counter, out _));
            _ = close(counter);
            Assert.Equal(5, pipe.Held);
            Assert.Null(to.TryRent());
            pipe.Dispose();
        }
    }

    [Fact]
    public void A_broken_connection_and_a_full_one_are_told_apart()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        using var pipes = Pipes();
        using var pipe = pipes.TryRent()!;
        var (from, to) = Connection();
        using (from)
        using (to)
        {
            var passing = LoopPassing.Passed;
            while (passing == LoopPassing.Passed)
            {
                if (pipe.Held == 0)
                {
                    Send(from, new byte[4096], to);
                    Assert.True(pipe.Fill(Handle(to), 4096) > 0);
                }

                passing = pipe.EmptyInto(Handle(to), out _);
            }

            // Nobody reads at the far side.
            Assert.Equal(LoopPassing.NoRoom, passing);
            from.LingerState = new LingerOption(true, 0);
        }

        var (gone, left) = Connection();
        using (left)
        {
            gone.LingerState = new LingerOption(true, 0);
            gone.Dispose();
            Assert.True(left.Poll(MdfsClient.Patience, SelectMode.SelectRead));
            Assert.Equal(LoopPassing.Broken, pipe.EmptyInto(Handle(left), out _));
            using var another = pipes.TryRent();
            Assert.NotNull(another);
        }
    }

    private static (int From, int To) Window(Random chance, int length)
    {
        var (a, b) = (chance.Next(length), chance.Next(length));
        return (Math.Min(a, b), Math.Max(a, b) + 1);
    }

    private static LoopPipes Pipes() => new(new ConfigurationBuilder().Build(), NullLogger<LoopPipes>.Instance);

    // The second one does not block, as loops have them.
    private static (Socket, Socket) Connection()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var first = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        first.Connect(listener.LocalEndpoint);
        var second = listener.AcceptSocket();
        second.Blocking = false;
        return (first, second);
    }

    // Until it is there.
    private static void Send(Socket from, ReadOnlySpan<byte> bytes, Socket to)
    {
        from.Send(bytes);
        Assert.True(to.Poll(MdfsClient.Patience, SelectMode.SelectRead));
    }

    private static int Handle(Socket socket) => (int)socket.SafeHandle.DangerousGetHandle();

    /// <param name="room">Bytes that the client's system takes before it reads; 0: the usual.</param>
    private async Task<Socket> AskAsync(TestCluster cluster, int from, int to, int room)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (room > 0) client.ReceiveBufferSize = room;
        await client.ConnectAsync(cluster.Client.Master.Host, cluster.Client.Master.Port, _test);
        await client.SendAsync(Encoding.ASCII.GetBytes($"GET /play?name=a.mp4 HTTP/1.1\r\nHost: localhost\r\nRange: bytes={from}-{to - 1}\r\n\r\n"), _test);
        return client;
    }

    private async Task<byte[]> ReadAsync(Socket client, int count, int atATime)
    {
        await using var said = new NetworkStream(client);
        Assert.StartsWith("HTTP/1.1 206 ", await said.LineAsync(_test), StringComparison.Ordinal);
        await said.SkipHeadAsync(_test);
        var body = new byte[count];
        for (var at = 0; at < count; at += atATime)
            await said.ReadExactlyAsync(body.AsMemory(at, Math.Min(atATime, count - at)), _test).AsTask().WaitAsync(MdfsClient.Patience, _test);
        return body;
    }

    // All that has to do with those before is over: one who reads all of it gets nearly all by that way, and not because others did.
    private async Task AssertPassedAsync(TestCluster cluster, bool wanted, byte[] movie)
    {
        await Eventually.TrueAsync(async () =>
        {
            var before = await PassedAsync();
            using var client = await AskAsync(cluster, 0, movie.Length, 0);
            Assert.True((await ReadAsync(client, movie.Length, 256 * 1024)).AsSpan().SequenceEqual(movie));
            return await PassedAsync() - before >= (wanted && OperatingSystem.IsLinux() ? movie.Length - (1 << 20) : 0);
        }, "the system passes a movie on", MdfsClient.Patience, _test);
        var passed = await PassedAsync();
        Assert.InRange(passed, 0, wanted ? await cluster.Client.MetricAsync("mdfs_download_bytes_total", _test) : 0);

        Task<double> PassedAsync() => cluster.Client.MetricAsync("mdfs_download_spliced_bytes_total", _test);
    }

#pragma warning disable IDE1006, SA1300 // They are called as the system calls them.
    [LibraryImport("libc")]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc")]
    private static partial int close(int handle);
#pragma warning restore IDE1006, SA1300
}
