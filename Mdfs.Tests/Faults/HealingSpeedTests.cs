using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>How fast healing is, beside a plain copy over a connection with fsync between the same two directories in the same run (docs/performance.md).</summary>
public sealed class HealingSpeedTests
{
    private const int Movies = 4;
    private const int Size = 48 << 20;

    /// <summary>Far below what it reaches, since other tests and neighbours share the machine; the figure is in docs/performance.md.</summary>
    private const double Least = 0.2;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Healing_is_not_much_slower_than_a_plain_copy_with_fsync()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05")]);
        var (source, target) = (cluster.Workers[0], cluster.Workers[1]);
        await target.KillAsync();
        await cluster.Client.WaitForNodesAsync(1, Cancelled);
        for (var i = 0; i < Movies; i++) Assert.Equal(1, await cluster.Client.StoreAsync($"{i}.mp4", new MovieBytes((ulong)i, Size), Cancelled));
        var files = ReplicaDirectory.Files(cluster.WorkerDirectory(source)).ToList();
        var before = await CopyAsync(files, cluster.WorkerDirectory(target));

        await target.StartAsync();
        await Eventually.TrueAsync(async () => await PulledAsync(target) > 0, "healing has begun", MdfsClient.Patience, Cancelled);
        var (from, began) = (await PulledAsync(target), Stopwatch.GetTimestamp());
        await Eventually.TrueAsync(async () => await PulledAsync(target) >= (long)Movies * Size, "all bytes are there", MdfsClient.Patience, Cancelled);
        await cluster.Client.WaitForWholeAsync(Movies, Cancelled);
        var healing = (((long)Movies * Size) - from) / Stopwatch.GetElapsedTime(began).TotalSeconds;

        var after = await CopyAsync(files, cluster.WorkerDirectory(target));
        var ratio = healing / ((before + after) / 2);
        TestContext.Current.TestOutputHelper!.WriteLine($"Healing {healing / 1e6:0} MB/s, plain copies {before / 1e6:0} and {after / 1e6:0} MB/s: {ratio:0.00}");
        Assert.True(ratio >= Least, $"Healing reaches {ratio:0.00} of a plain copy.");
    }

    private static async Task<double> PulledAsync(ProcessNode worker)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        string metrics;
        try
        {
            metrics = await http.GetStringAsync(new Uri(worker.Address, "metrics"), Cancelled);
        }
        catch (HttpRequestException)
        {
            // It is just starting.
            return 0;
        }

        foreach (var line in metrics.Split('\n'))
            if (line.StartsWith("mdfs_worker_pulled_bytes_total", StringComparison.Ordinal)) return double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
        return 0;
    }

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
}
