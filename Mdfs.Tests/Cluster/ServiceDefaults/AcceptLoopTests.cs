using System.Net.Sockets;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>A process that may open no more files does not burn a processor over it.</summary>
public sealed class AcceptLoopTests
{
    private static readonly TimeSpan _tenth = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task Where_the_system_gives_no_more_sockets_it_is_asked_a_few_times_a_second_and_said_once_a_minute()
    {
        var time = new FakeTimeProvider();
        var logs = new CollectedLogs();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(logs));
        var (asked, taken, full) = (0, 0, true);
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var accepting = new AcceptLoop(Accept, _ => taken++, time, loggers.CreateLogger<AcceptLoop>()).RunAsync();
        for (var tenths = 1; tenths < 600; tenths++)
        {
            time.Advance(_tenth);
            Assert.InRange(Volatile.Read(ref asked), 1, 1 + tenths);
        }

        await Eventually.TrueAsync(() => Passes() && Warnings() == 2, "it is said again", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.True(asked > 2);
        Volatile.Write(ref full, false);
        await Eventually.TrueAsync(() => Passes() && accepting.IsCompleted, "who comes is let in again", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(1, taken);

        bool Passes()
        {
            time.Advance(_tenth);
            return true;
        }

        int Warnings() => logs.Lines.Count(static line => line.StartsWith("Warning", StringComparison.Ordinal));

        ValueTask<Socket> Accept()
        {
            Interlocked.Increment(ref asked);
            if (Volatile.Read(ref full)) throw new SocketException((int)SocketError.TooManyOpenSockets);
            if (taken > 0) throw new ObjectDisposedException(nameof(Socket));
            return ValueTask.FromResult(client);
        }
    }
}
