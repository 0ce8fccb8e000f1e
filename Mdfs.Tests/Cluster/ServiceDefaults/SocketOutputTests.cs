using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Mdfs.ServiceDefaults.Output;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>The short way of a response to its socket, and the portable one: told apart by nothing that a client can see.</summary>
public sealed class SocketOutputTests
{
    private static readonly byte[] Movie = RandomNumberGenerator.GetBytes(3_000_000);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, "SocketOutput")]
    [InlineData(false, "PipeOutput")]
    public async Task Requests_that_come_at_once_on_one_connection_are_answered_whole_and_in_order(bool socket, string way)
    {
        var taken = new List<string>();
        await using var app = await StartAsync(socket, context =>
        {
            using var probe = BodyOutput.Of(context, default, 1);
            lock (taken) taken.Add(probe.GetType().Name);
        });
        using var client = await ConnectAsync(app);
        await client.SendAsync("GET /movie HTTP/1.1\r\nHost: localhost\r\n\r\nGET /text HTTP/1.1\r\nHost: localhost\r\n\r\nGET /movie HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), _test);
        var all = await ReadAsync(client);

        var expected = new MemoryStream();
        foreach (var _ in (int[])[1, 2])
        {
            expected.Write("--head--"u8);
            expected.Write(Movie);
        }

        var bodies = Bodies(all);
        Assert.Equal([Movie.Length + 8, 300_000, Movie.Length + 8], bodies.Select(static body => body.Length));
        Assert.True(bodies[0].Concat(bodies[2]).SequenceEqual(expected.ToArray()));
        Assert.All(bodies[1], static value => Assert.Equal((byte)'x', value));
        Assert.Equal([way, way], taken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_ends_before_its_time_is_cut_and_never_ends_cleanly(bool socket)
    {
        await using var app = await StartAsync(socket);
        using var client = await ConnectAsync(app);
        await client.SendAsync("GET /short HTTP/1.1\r\nHost: localhost\r\n\r\nGET /text HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), _test);
        byte[] all;
        try
        {
            all = await ReadAsync(client);
        }
        catch (SocketException)
        {
            // Reset, and what had come before is lost with it.
            return;
        }

        Assert.DoesNotContain("xxxx", Encoding.Latin1.GetString(all));
        Assert.True(all.Length < 1_000_000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_in_the_middle_frees_its_handler(bool socket)
    {
        await using var app = await StartAsync(socket);
        using (var client = await ConnectAsync(app))
        {
            await client.SendAsync("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), _test);
            Assert.True(await client.ReceiveAsync(new byte[1000], _test) > 0);
            await Task.WhenAny(_begun.Task, Task.Delay(MdfsClient.Patience, _test));
        }

        await _ended.Task.WaitAsync(MdfsClient.Patience, _test);
    }

    [Fact]
    public async Task Under_TLS_the_portable_way_is_taken()
    {
        using var directory = new TempDirectory();
        var settings = OwnCertificate.In(directory.Path);
        settings["urls"] = "https://127.0.0.1:0";
        var taken = "";
        await using var app = await DefaultsApp.StartAsync(
            app => app.MapGet("/movie", context =>
            {
                using (var probe = BodyOutput.Of(context, default, 1)) taken = probe.GetType().Name;
                return SendAsync(context, Movie.Length);
            }).Open(),
            settings);
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } }) { BaseAddress = app.Address };
        Assert.True((await client.GetByteArrayAsync("/movie", _test)).AsSpan(8).SequenceEqual(Movie));
        Assert.Equal("PipeOutput", taken);
    }

    [Fact]
    public async Task Memory_that_a_client_does_not_take_is_given_back_and_it_gets_the_very_bytes_when_it_goes_on()
    {
        var rests = new ConcurrentQueue<int>();
        await using var app = await DefaultsApp.StartAsync(
            app => app.MapGet("/large", async context =>
            {
                context.Response.ContentLength = Movie.Length;
                using var output = BodyOutput.Of(context, default, Movie.Length);
                for (var sent = 0; sent < Movie.Length;)
                {
                    var count = Math.Min(1 << 20, Movie.Length - sent);
                    Movie.AsSpan(sent, count).CopyTo(output.GetMemory(count).Span);
                    var sending = output.SendAsync(0, count, context.RequestAborted).AsTask();
                    // Again and again, as fast as can be: also just when the client goes on.
                    while (!sending.IsCompleted)
                    {
                        output.GiveBack();
                        await Task.Yield();
                    }

                    var taken = await sending;
                    Assert.InRange(taken, 0, count);
                    rests.Enqueue(count - taken);
                    sent += taken;
                }
            }).Open());
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16 * 1024 };
        await client.ConnectAsync(app.Address.Host, app.Address.Port, _test);
        await client.SendAsync("GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), _test);
        Assert.True(Bodies(await ReadAsync(client)).Single().AsSpan().SequenceEqual(Movie));
        if (OperatingSystem.IsLinux()) Assert.Contains(rests, static rest => rest > 0);
    }

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<DefaultsApp> StartAsync(bool socket, Action<HttpContext>? look = null) => DefaultsApp.StartAsync(
        app =>
        {
            app.MapGet("/movie", context =>
            {
                look?.Invoke(context);
                return SendAsync(context, Movie.Length);
            }).Open();
            app.MapGet("/text", static context => context.Response.WriteAsync(new string('x', 300_000))).Open();
            app.MapGet("/short", async context =>
            {
                await SendAsync(context, 100_000);
            }).Open();
            app.MapGet("/endless", async context =>
            {
                context.Response.ContentLength = 1L << 40;
                using var output = BodyOutput.Of(context, default, 1L << 40);
                try
                {
                    while (await SendAsync(output) > 0) _begun.TrySetResult();
                }
                catch (OperationCanceledException)
                {
                    // The other way to hear of it.
                }

                context.Abort();
                _ended.TrySetResult();

                ValueTask<int> SendAsync(BodyOutput to)
                {
                    Movie.AsSpan(0, 100_000).CopyTo(to.GetMemory(100_000).Span);
                    return to.SendAsync(0, 100_000, context.RequestAborted);
                }
            }).Open();
        },
        new() { ["Mdfs:SocketOutput"] = socket ? "true" : "false" });

    // In pieces of another size than anybody's blocks, each with something in front of it that is not sent.
    private static async Task SendAsync(HttpContext context, int length)
    {
        context.Response.ContentLength = 8 + Movie.Length;
        using var output = BodyOutput.Of(context, "--head--"u8.ToArray(), Movie.Length);
        for (var sent = 0; sent < length;)
        {
            var count = Math.Min(77_777, length - sent);
            Movie.AsSpan(sent, count).CopyTo(output.GetMemory(count + 100).Span[100..]);
            var taken = await output.SendAsync(100, count, context.RequestAborted);
            if (taken < 0) return;
            sent += taken;
        }
    }

    private async Task<Socket> ConnectAsync(DefaultsApp app)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(app.Address.Host, app.Address.Port, _test);
        return socket;
    }

    private async Task<byte[]> ReadAsync(Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await socket.ReceiveAsync(buffer, _test)) > 0;) all.Write(buffer, 0, read);
        return all.ToArray();
    }

    private static List<byte[]> Bodies(ReadOnlySpan<byte> all)
    {
        var bodies = new List<byte[]>();
        while (!all.IsEmpty)
        {
            var end = all.IndexOf("\r\n\r\n"u8);
            var header = Encoding.Latin1.GetString(all[..end]);
            all = all[(end + 4)..];
            if (header.Split("\r\n").FirstOrDefault(static line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) is { } length)
            {
                bodies.Add(all[..int.Parse(length.Split(':')[1])].ToArray());
                all = all[bodies[^1].Length..];
                continue;
            }

            var body = new MemoryStream();
            while (true)
            {
                var line = all.IndexOf("\r\n"u8);
                var count = Convert.ToInt32(Encoding.ASCII.GetString(all[..line]), 16);
                body.Write(all.Slice(line + 2, count));
                all = all[(line + 2 + count + 2)..];
                if (count == 0) break;
            }

            bodies.Add(body.ToArray());
        }

        return bodies;
    }
}
