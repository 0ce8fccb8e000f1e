using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mdfs.Cli.Server;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Mdfs.Web.Api;
using Mdfs.Web.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Mdfs.Tests.Cluster;

/// <summary>Who waits for an answer that may take hours finds out when nobody is there any more.</summary>
public sealed partial class LongWaitTests : IDisposable
{
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public LongWaitTests() => _silent.Start();

    public void Dispose() => _silent.Dispose();

    [Fact]
    public Task The_command_line_probes_the_far_end_while_it_waits() => IsProbedAsync(async (url, stop) =>
    {
        using var master = new MasterClient(url, TestCluster.AdminKey);
        await master.VerifyAsync("long.mp4", stop);
    });

    [Fact]
    public Task The_console_probes_the_far_end_while_it_waits() => IsProbedAsync(async (url, stop) =>
    {
        using var master = new MasterApi(Addresses(url), Proof());
        await master.VerifyAsync("long.mp4", stop);
    });

    [Theory]
    [InlineData("POST", "/api/files/long.mp4/verify", false)]
    [InlineData("GET", "/download", false)]
    [InlineData("PUT", "/api/files/long.mp4", true)]
    public Task The_front_probes_the_far_end_while_it_waits(string method, string path, bool body) => IsProbedAsync(
        async (url, stop) =>
        {
            await using var services = new ServiceCollection().AddLogging().AddHttpForwarder().BuildServiceProvider();
            using var forwarder = new MasterForwarder(services.GetRequiredService<IHttpForwarder>(), Addresses(url), Proof(), NullLogger<MasterForwarder>.Instance);
            var context = new DefaultHttpContext { Request = { Method = method, Path = path, Host = new HostString("localhost") }, RequestAborted = stop };
            context.Features.Set<IHttpRequestBodyDetectionFeature>(new Body(body));
            await forwarder.ForwardAsync(context);
            stop.ThrowIfCancellationRequested();
        },
        sends: body);

    [Fact]
    public async Task A_deletion_whose_answer_was_lost_is_not_sent_again()
    {
        await using var far = new HangingUpServer();
        using (var command = new MasterClient(far.Url, TestCluster.AdminKey))
            await Assert.ThrowsAsync<HttpRequestException>(() => command.DeleteAsync("from the command line.mp4", Cancelled));
        using (var console = new MasterApi(Addresses(far.Url), Proof()))
            Assert.True((await console.DeleteAsync("from the console.mp4", Cancelled)).Refusal?.Away);
        Assert.Equal((1, 1), (far.Arrived("DELETE /api/files/from%20the%20command%20line.mp4"), far.Arrived("DELETE /api/files/from%20the%20console.mp4")));
    }

    private static MasterAddresses Addresses(Uri url) =>
        new(new ConfigurationBuilder().AddInMemoryCollection([new("services:master:http:0", url.ToString())]).Build(), null!, null!);

    private static ConsoleProof Proof() => new(Options.Create(new AdminKeyOptions { AdminKey = TestCluster.AdminKey }), new ClusterKeys(WebRig.ClusterKey));

    /// <param name="sends">A body, which the far end may leave unread for longer than a machine without power is waited for.</param>
    private async Task IsProbedAsync(Func<Uri, CancellationToken, Task> wait, bool sends = false)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What timers a connection has is read from /proc.");
        var server = (IPEndPoint)_silent.LocalEndpoint;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var waiting = wait(new Uri($"http://{server}/"), stop.Token);
        var accepting = _silent.AcceptSocketAsync(Cancelled).AsTask();
        if (await Task.WhenAny(accepting, waiting) == waiting)
        {
            await waiting;
            Assert.Fail("It did not wait.");
        }

        using var accepted = await accepting;
        // Before it has asked it may still be setting the connection up.
        Assert.Equal(1, await accepted.ReceiveAsync(new byte[1], Cancelled));
        var (here, there) = (Port((IPEndPoint)accepted.RemoteEndPoint!), Port(server));
        string[]? row = null;
        await Eventually.TrueAsync(
            () => (row = ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).SelectMany(File.ReadLines).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .FirstOrDefault(row => row[1].EndsWith(here, StringComparison.Ordinal) && row[2].EndsWith(there, StringComparison.Ordinal) && row[5].StartsWith("02:", StringComparison.Ordinal))) is not null,
            "the connection waits for the time to probe it", MdfsClient.Patience, Cancelled);
        Assert.Equal(sends ? 0 : (int)ProbedConnection.GoneAfter.TotalMilliseconds, UserTimeout($"socket:[{row![9]}]"));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        static string Port(IPEndPoint end) => string.Create(CultureInfo.InvariantCulture, $":{end.Port:X4}");
    }

    /// <summary>After how many milliseconds without an acknowledgement a socket of this process is given up; 0: as the system likes.</summary>
    private static int UserTimeout(string socket)
    {
        var file = Directory.EnumerateFiles("/proc/self/fd").Single(file => new FileInfo(file).LinkTarget == socket);
        var (value, length) = (0, sizeof(int));
        Assert.Equal(0, GetSocketOption(int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture), level: 6, name: 18, ref value, ref length));
        return value;
    }

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int GetSocketOption(int socket, int level, int name, ref int value, ref int length);

    private sealed record Body(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;
}
