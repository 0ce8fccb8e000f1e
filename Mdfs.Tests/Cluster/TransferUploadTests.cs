using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Mdfs.Tests.Cluster;

public sealed class TransferUploadTests
{
    private static readonly TimeSpan Impatient = TimeSpan.FromMilliseconds(1500);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    public static TheoryData<int, bool> Sizes()
    {
        var data = new TheoryData<int, bool>();
        foreach (var size in (int[])[0, 1, 65535, 65536, 65537, 262_143, 262_144, 262_145, Random.Shared.Next(1, 1 << 20), 37_000_123])
        {
            data.Add(size, true);
            data.Add(size, false);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes), DisableDiscoveryEnumeration = true)]
    public async Task Every_worker_receives_exactly_the_bytes_that_were_sent(int size, bool announced)
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var movie = TransferRig.Movie(size);
        var upload = UploadId.New();

        var result = await rig.FanOut.SendAsync(upload, new TransferBody(movie), announced ? size : null, [a.Address, b.Address], true, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        Assert.Equal(size, result.Size);
        Assert.Equal(Checksum.Of(movie), result.Checksum);
        Assert.Equal(SHA256.HashData(movie), result.Sha256!.Value.ToArray());
        Assert.Equal([a.Id, b.Id], result.Receipts.Select(receipt => receipt.Node));
        Assert.Empty(result.Dropped);
        Assert.True(movie.AsSpan().SequenceEqual(a.Prepared[upload]));
        Assert.True(movie.AsSpan().SequenceEqual(b.Prepared[upload]));
        Assert.Equal(announced, a.Headers.Single().ContainsKey("Content-Length"));
        Assert.Equal(!announced, a.Headers.Single().ContainsKey("Transfer-Encoding"));
    }

    [Fact]
    public async Task A_worker_that_dies_midway_is_dropped_and_the_others_get_every_byte()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var movie = TransferRig.Movie(20_000_000);
        var upload = UploadId.New();
        a.OnPut = async context =>
        {
            await SkimAsync(context, 5_000_000);
            _ = a.KillAsync();
        };

        var result = await rig.FanOut.SendAsync(upload, new TransferBody(movie), movie.Length, [a.Address, b.Address], false, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        Assert.Equal(b.Id, Assert.Single(result.Receipts).Node);
        var dropped = Assert.Single(result.Dropped);
        Assert.Equal(a.Id, dropped.Target.Id);
        Assert.True(movie.AsSpan().SequenceEqual(b.Prepared[upload]));
    }

    [Fact]
    public async Task A_worker_that_stalls_is_dropped_after_the_idle_time_out_and_the_others_get_every_byte()
    {
        await using var rig = new TransferRig(TimeSpan.FromSeconds(4));
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var movie = TransferRig.Movie(40_000_000);
        var upload = UploadId.New();
        a.OnPut = async context =>
        {
            await SkimAsync(context, 1_000_000);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };

        var result = await rig.FanOut.SendAsync(upload, new TransferBody(movie), null, [a.Address, b.Address], false, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        // Not the reason: some kernels reset a connection whose receiver takes nothing before the time-out comes.
        Assert.Equal(a.Address, Assert.Single(result.Dropped).Target);
        Assert.True(movie.AsSpan().SequenceEqual(b.Prepared[upload]));
    }

    [Fact]
    public async Task A_worker_that_is_not_there_is_dropped()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var gone = a.Address;
        await a.KillAsync();

        var result = await rig.FanOut.SendAsync(UploadId.New(), new TransferBody(TransferRig.Movie(3_000_000)), 3_000_000, [gone, b.Address], false, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        Assert.IsType<NodeFailure.Unreachable>(Assert.Single(result.Dropped).Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_workers_are_blamed_when_all_of_them_die(bool clientFallsSilent)
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.OnPut = b.OnPut = async context =>
        {
            await SkimAsync(context, 500_000);
            context.Abort();
        };
        // Far more than what the sockets on the way hold, so that the workers' end is felt while the client is still sending or just silent.
        var body = new TransferBody(TransferRig.Movie(50_000_000)) { SilentAt = clientFallsSilent ? 49_000_000 : long.MaxValue };

        var result = await rig.FanOut.SendAsync(UploadId.New(), body, null, [a.Address, b.Address], false, _test);

        Assert.Equal(FanOutOutcome.AllTargetsFailed, result.Outcome);
        Assert.Equal(2, result.Dropped.Count);
        Assert.Empty(result.Receipts);
    }

    [Fact]
    public async Task A_client_that_goes_away_midway_is_blamed_and_the_workers_see_the_body_broken_off()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        await rig.ServeAsync(upload, default, 0, a.Address, b.Address);

        using (var client = new TcpClient())
        {
            await client.ConnectAsync(rig.Front.Host, rig.Front.Port, _test);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"), _test);
            await client.GetStream().WriteAsync(TransferRig.Movie(3_000_000), _test);
            await TransferRig.SoonAsync(() => a.Requests.Count == 1 && b.Requests.Count == 1, "both workers are being sent to");
            client.LingerState = new LingerOption(true, 0);
        }

        var result = await rig.Stored.Task.WaitAsync(_test);
        Assert.Equal(FanOutOutcome.ClientFailed, result.Outcome);
        Assert.Empty(result.Dropped);
        await TransferRig.SoonAsync(() => a.BrokenOff.ContainsKey(upload) && b.BrokenOff.ContainsKey(upload), "both see the end");
        Assert.Empty(a.Prepared);
        Assert.Empty(b.Prepared);
    }

    [Fact]
    public async Task A_client_that_goes_away_is_blamed_even_if_the_workers_let_go_before_its_body_ends()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        using var client = CancellationTokenSource.CreateLinkedTokenSource(_test);
        // What a server has read ahead still comes when the connection is gone.
        var body = new TransferBody(TransferRig.Movie(3_000_000)) { Event = (1_000_000, LeaveAsync) };

        var result = await rig.FanOut.SendAsync(upload, body, 3_000_000, [a.Address, b.Address], false, client.Token);

        Assert.Equal(FanOutOutcome.ClientFailed, result.Outcome);
        Assert.Empty(result.Dropped);

        async Task LeaveAsync()
        {
            await client.CancelAsync();
            await TransferRig.SoonAsync(() => a.BrokenOff.ContainsKey(upload) && b.BrokenOff.ContainsKey(upload), "both see the end");
        }
    }

    [Fact]
    public async Task A_body_beyond_what_the_server_takes_is_called_too_large_though_little_of_it_was_handed_over()
    {
        await using var rig = new TransferRig { LargestBody = 100_000 };
        await using var a = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        await rig.ServeAsync(upload, default, 0, a.Address);

        using var client = new TcpClient();
        await client.ConnectAsync(rig.Front.Host, rig.Front.Port, _test);
        await client.GetStream().WriteAsync("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n"u8.ToArray(), _test);
        await client.GetStream().WriteAsync(TransferRig.Movie(200_000), _test);

        var result = await rig.Stored.Task.WaitAsync(_test);
        Assert.Equal(FanOutOutcome.BeyondLimit, result.Outcome);
        Assert.InRange(result.Size, 0, 100_000);
        Assert.Empty(result.Dropped);
        Assert.Empty(a.Prepared);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_falls_silent_is_blamed_and_no_worker_takes_the_beginning_for_the_whole(bool announced)
    {
        await using var rig = new TransferRig(Impatient);
        await using var a = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        var body = new TransferBody(TransferRig.Movie(300_000)) { SilentAt = 300_000 };

        var result = await rig.FanOut.SendAsync(upload, body, announced ? 400_000 : null, [a.Address], false, _test);

        Assert.Equal(FanOutOutcome.ClientTooSlow, result.Outcome);
        Assert.Equal(300_000, result.Size);
        await TransferRig.SoonAsync(() => a.BrokenOff.ContainsKey(upload), "the worker sees the end");
        Assert.Equal(300_000, a.BrokenOff[upload]);
        Assert.Empty(a.Prepared);
    }

    [Fact]
    public async Task A_body_that_is_longer_or_shorter_than_announced_is_refused()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();

        var longer = await rig.FanOut.SendAsync(UploadId.New(), new TransferBody(TransferRig.Movie(200_000)), 100_000, [a.Address], false, _test);
        var shorter = await rig.FanOut.SendAsync(UploadId.New(), new TransferBody(TransferRig.Movie(200_000)), 300_000, [a.Address], false, _test);

        Assert.Equal(FanOutOutcome.TooLarge, longer.Outcome);
        Assert.Equal(FanOutOutcome.ShortBody, shorter.Outcome);
        await TransferRig.SoonAsync(() => a.BrokenOff.Count == a.Requests.Count, "the worker sees both ends");
        Assert.Empty(a.Prepared);
    }

    [Fact]
    public async Task A_receipt_that_disagrees_is_never_counted_and_raises_an_alarm()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        await using var c = await TransferFarSide.StartAsync();
        a.Receipt = receipt => receipt with { Checksum = new Checksum(receipt.Checksum.Value ^ 1) };
        b.Receipt = receipt => receipt with { Size = receipt.Size - 1 };

        var result = await rig.FanOut.SendAsync(
            UploadId.New(), new TransferBody(TransferRig.Movie(100_000)), 100_000, [a.Address, b.Address, c.Address], false, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        Assert.Equal(c.Id, Assert.Single(result.Receipts).Node);
        Assert.Equal([a.Id, b.Id], result.Dropped.Where(target => target.Alarm).Select(target => target.Target.Id));
    }

    [Fact]
    public async Task A_worker_that_answers_garbage_instead_of_a_receipt_is_dropped()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.OnPut = async context =>
        {
            await SkimAsync(context, 100_000);
            await context.Response.WriteAsync("<html>welcome</html>", _test);
        };

        var result = await rig.FanOut.SendAsync(UploadId.New(), new TransferBody(TransferRig.Movie(100_000)), 100_000, [a.Address, b.Address], false, _test);

        Assert.Equal(FanOutOutcome.Completed, result.Outcome);
        Assert.IsType<NodeFailure.Malformed>(Assert.Single(result.Dropped).Reason);
    }

    private static async Task SkimAsync(HttpContext context, long bytes)
    {
        var buffer = new byte[64 * 1024];
        while (bytes > 0)
        {
            var read = await context.Request.Body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(bytes, buffer.Length)), context.RequestAborted);
            if (read == 0) break;
            bytes -= read;
        }
    }
}
