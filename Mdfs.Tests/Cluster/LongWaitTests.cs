using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mdfs.Cli.Server;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Mdfs.Web.Api;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Cluster;

/// <summary>Who waits for an answer that may take hours finds out when nobody is there any more.</summary>
public sealed class LongWaitTests : IDisposable
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
        var addresses = new MasterAddresses(new ConfigurationBuilder().AddInMemoryCollection([new("services:master:http:0", url.ToString())]).Build(), null!, null!);
        using var master = new MasterApi(addresses, new ConsoleProof(Options.Create(new AdminKeyOptions { AdminKey = TestCluster.AdminKey }), new ClusterKeys(WebRig.ClusterKey)));
        await master.VerifyAsync("long.mp4", stop);
    });

    private async Task IsProbedAsync(Func<Uri, CancellationToken, Task> wait)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What timers a connection has is read from /proc.");
        var server = (IPEndPoint)_silent.LocalEndpoint;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var waiting = wait(new Uri($"http://{server}/"), stop.Token);
        using var accepted = await _silent.AcceptSocketAsync(Cancelled);
        var (here, there) = (Port((IPEndPoint)accepted.RemoteEndPoint!), Port(server));
        await Eventually.TrueAsync(
            () => ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).SelectMany(File.ReadLines).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Any(row => row[1].EndsWith(here, StringComparison.Ordinal) && row[2].EndsWith(there, StringComparison.Ordinal) && row[5].StartsWith("02:", StringComparison.Ordinal)),
            "the connection waits for the time to probe it", TimeSpan.FromSeconds(10), Cancelled);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        static string Port(IPEndPoint end) => string.Create(CultureInfo.InvariantCulture, $":{end.Port:X4}");
    }
}
