using System.Diagnostics;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Xunit;

namespace Mdfs.Tests.Cluster;

/// <summary>Nothing is held whole (design, section 2.5). Client, master's room and workers share this process, so its growth is the sum of theirs.</summary>
[Collection(nameof(TransferMemoryTests))]
[CollectionDefinition(nameof(TransferMemoryTests), DisableParallelization = true)]
public sealed class TransferMemoryTests
{
    private const long GiB = 1L << 30;
    private const long MiB = 1L << 20;

    private static readonly MovieVersion Version = new(77);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Memory_stays_flat_while_a_gibibyte_goes_up_and_down()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.Keeps = b.Keeps = false;
        var block = TransferRig.Movie(256 * 1024);
        a.OnEndless = b.OnEndless = async (context, length) =>
        {
            context.Response.ContentLength = length;
            for (var left = length; left > 0; left -= block.Length)
            {
                await context.Response.BodyWriter.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)), context.RequestAborted);
            }
        };
        await rig.ServeAsync(UploadId.New(), Version, GiB, a.Address, b.Address);
        using var client = new HttpClient();
        await UpAsync(client, rig, 64 * MiB);

        using var watch = new Watermark();
        await UpAsync(client, rig, GiB);
        await using (var body = await client.GetStreamAsync(rig.Front, _test)) Assert.Equal(GiB, await DrainAsync(body));

        Assert.InRange(watch.Growth, 0, 64 * MiB);
        Assert.Equal(CopyOutcome.Completed, (await rig.Copied.Task).Outcome);
    }

    private async Task UpAsync(HttpClient client, TransferRig rig, long size)
    {
        using var content = new StreamContent(new Zeros(size), 64 * 1024);
        content.Headers.ContentLength = size;
        using var response = await client.PutAsync(rig.Front, content, _test);
        Assert.Equal(201, (int)response.StatusCode);
    }

    private async Task<long> DrainAsync(Stream body)
    {
        var buffer = new byte[64 * 1024];
        long all = 0;
        for (int read; (read = await body.ReadAsync(buffer, _test)) > 0;) all += read;
        return all;
    }

    /// <summary>The highest resident memory of the process above what it was at first, looked at every 20 ms.</summary>
    private sealed class Watermark : IDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly long _before;
        private readonly Task _watching;
        private long _highest;

        public Watermark()
        {
            GC.Collect();
            _before = _highest = Resident();
            _watching = WatchAsync();
        }

        public long Growth => Interlocked.Read(ref _highest) - _before;

        public void Dispose()
        {
            _end.Cancel();
            _watching.Wait();
            _end.Dispose();
        }

        private static long Resident()
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }

        private async Task WatchAsync()
        {
            using var clock = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            try
            {
                while (await clock.WaitForNextTickAsync(_end.Token)) Interlocked.Exchange(ref _highest, Math.Max(_highest, Resident()));
            }
            catch (OperationCanceledException)
            {
                // The end.
            }
        }
    }

    /// <summary>So many zeros, without holding them.</summary>
    private sealed class Zeros(long length) : ReadOnlyStream
    {
        private long _left = length;

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(_left, count);
            buffer.AsSpan(offset, read).Clear();
            _left -= read;
            return read;
        }
    }
}
