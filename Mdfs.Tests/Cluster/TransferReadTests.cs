using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Output;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Mdfs.Tests.Cluster;

public sealed class TransferReadTests
{
    private static readonly MovieVersion Version = new(1234);
    private static readonly TimeSpan Impatient = TimeSpan.FromMilliseconds(1500);

    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    /// <summary>What a worker may do to a reader; the number is how many good bytes come before it.</summary>
    public enum Fault
    {
        RefusesConnections,
        AbortsBeforeTheHeader,
        IsSilentBeforeTheHeader,
        SaysItIsGone,
        SaysItIsDamaged,
        OffersAnotherLength,
        SendsChunks,
        AnswersWithAPage,
        BreaksOffInTheBody,
        IsSilentInTheBody,
    }

    public static TheoryData<Fault> Faults() => [.. Enum.GetValues<Fault>()];

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 65_535)]
    [InlineData(65_535, 65_537)]
    [InlineData(131_072, 131_072)]
    [InlineData(7, 29_999_993)]
    [InlineData(29_999_999, 1)]
    public async Task Exactly_the_window_is_copied(int from, int length)
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        var movie = a.Replicas[Version] = TransferRig.Movie(30_000_000);

        var (result, bytes) = await CopyAsync(rig, from, length, a);

        Assert.Equal(CopyOutcome.Completed, result.Outcome);
        Assert.Equal(length, result.Sent);
        Assert.True(movie.AsSpan(from, length).SequenceEqual(bytes));
        Assert.Equal(0, rig.Streams.OnNode(a.Id));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Another_replica_goes_on_at_the_exact_byte(Fault fault)
    {
        // Where nobody is to be found silent, a worker that gets no processor for a second is not.
        await using var rig = fault is Fault.IsSilentBeforeTheHeader or Fault.IsSilentInTheBody ? new TransferRig(Impatient) : new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        var movie = a.Replicas[Version] = b.Replicas[Version] = TransferRig.Movie(3_000_000);
        await BreakAsync(a, fault, 1_234_567);

        var (result, bytes) = await CopyAsync(rig, 100, 2_999_000, a, b);

        Assert.Equal(CopyOutcome.Completed, result.Outcome);
        Assert.True(movie.AsSpan(100, 2_999_000).SequenceEqual(bytes));
        var failure = Assert.Single(result.Failures);
        Assert.Equal(a.Id, failure.Node);
        Assert.Equal(fault == Fault.SaysItIsDamaged, failure.Damaged);
        Assert.Equal(b.Id, result.Source);
        var inBody = fault is Fault.BreaksOffInTheBody or Fault.IsSilentInTheBody;
        Assert.Equal(inBody ? 1 : 0, result.Failovers);
        if (inBody) Assert.InRange(failure.At, 101, 100 + 1_234_567);
        Assert.Equal($"GET /internal/replicas/1234?from={failure.At}&length={100 + 2_999_000 - failure.At}{(inBody ? "&begun=true" : "")}", b.Requests.Single());
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Failing_replicas_are_never_asked_endlessly(Fault fault)
    {
        await using var rig = new TransferRig(TimeSpan.FromMilliseconds(200));
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.Replicas[Version] = b.Replicas[Version] = TransferRig.Movie(3_000_000);
        await BreakAsync(a, fault, 0);
        await BreakAsync(b, fault, 0);

        var (result, bytes) = await CopyAsync(rig, 0, 3_000_000, a, b);

        Assert.Equal(CopyOutcome.SourcesFailed, result.Outcome);
        Assert.Equal(0, result.Sent);
        Assert.Empty(bytes);
        Assert.InRange(result.Failures.Count, 2, 4);
        Assert.True(a.Requests.Count <= 2 && b.Requests.Count <= 2);
    }

    [Fact]
    public async Task The_only_replica_is_asked_again_when_its_worker_was_restarted()
    {
        await using var rig = new TransferRig(retryPause: TimeSpan.FromSeconds(6));
        await using var first = await TransferFarSide.StartAsync();
        var address = first.Address;
        var movie = first.Replicas[Version] = TransferRig.Movie(3_000_000);
        TransferFarSide? second = null;
        first.OnWindow = async (context, window) =>
        {
            await SendPartAsync(context, window, 1_000_000);
            await first.KillAsync();
            second = await TransferFarSide.StartAsync(address);
            second.Replicas[Version] = movie;
            return true;
        };

        var (result, bytes) = await CopyAsync(rig, 0, 3_000_000, first);

        await using var _ = second;
        Assert.Equal(CopyOutcome.Completed, result.Outcome);
        Assert.True(movie.AsSpan().SequenceEqual(bytes));
        Assert.Equal(1, result.Failovers);
    }

    [Fact]
    public async Task The_replica_with_the_fewest_streams_is_read()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.Replicas[Version] = b.Replicas[Version] = TransferRig.Movie(1000);

        using (rig.Streams.Enter(a.Id)) await CopyAsync(rig, 0, 1000, a, b);
        await CopyAsync(rig, 0, 1000, a, b);

        Assert.Single(b.Requests);
        Assert.Single(a.Requests);
    }

    [Fact]
    public async Task A_client_that_goes_away_is_no_failure_of_the_worker_and_stops_it_at_once()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.Replicas[Version] = b.Replicas[Version] = TransferRig.Movie(60_000_000);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        a.OnWindow = async (context, window) =>
        {
            context.RequestAborted.Register(() => stopped.TrySetResult());
            await SendPartAsync(context, window, window.Length - 1);
            return true;
        };
        await rig.ServeAsync(UploadId.New(), Version, 60_000_000, a.Address, b.Address);

        using (var client = new TcpClient())
        {
            await AskAsync(client, rig);
            await client.GetStream().ReadExactlyAsync(new byte[1_000_000], _test);
            client.LingerState = new LingerOption(true, 0);
        }

        var result = await rig.Copied.Task.WaitAsync(_test);
        Assert.Equal(CopyOutcome.ClientGone, result.Outcome);
        Assert.Empty(result.Failures);
        Assert.Empty(b.Requests);
        await stopped.Task.WaitAsync(MdfsClient.Patience, _test);
    }

    [Fact]
    public async Task A_paused_player_is_not_held_against_the_worker()
    {
        var idle = TimeSpan.FromMilliseconds(1500);
        await using var rig = new TransferRig(idle);
        await using var a = await TransferFarSide.StartAsync();
        var movie = a.Replicas[Version] = TransferRig.Movie(60_000_000);
        await rig.ServeAsync(UploadId.New(), Version, movie.Length, a.Address);

        using var client = new TcpClient();
        await AskAsync(client, rig);
        var header = await ReadHeaderAsync(client);
        using (var pause = new PeriodicTimer(idle * 2)) await pause.WaitForNextTickAsync(_test);
        var bytes = new byte[movie.Length];
        await client.GetStream().ReadExactlyAsync(bytes, _test);

        Assert.StartsWith("HTTP/1.1 200", header, StringComparison.Ordinal);
        Assert.True(movie.AsSpan().SequenceEqual(bytes));
        var result = await rig.Copied.Task.WaitAsync(_test);
        Assert.Equal(CopyOutcome.Completed, result.Outcome);
        Assert.Empty(result.Failures);
    }

    [Fact]
    public async Task Nothing_has_begun_when_no_replica_can_be_read_so_that_another_status_can_be_answered()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await rig.ServeAsync(UploadId.New(), Version, 1000, a.Address);

        using var client = new HttpClient();
        using var response = await client.GetAsync(rig.Front, _test);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.IsType<NodeFailure.Refused>(Assert.Single((await rig.Copied.Task).Failures).Reason);
    }

    [Fact]
    public async Task A_response_is_cut_and_never_silently_short_when_no_replica_can_go_on()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        a.Replicas[Version] = TransferRig.Movie(3_000_000);
        await BreakAsync(a, Fault.BreaksOffInTheBody, 500_000);
        await rig.ServeAsync(UploadId.New(), Version, 3_000_000, a.Address);

        using var client = new HttpClient();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetByteArrayAsync(rig.Front, _test));

        Assert.Equal(CopyOutcome.SourcesFailed, (await rig.Copied.Task).Outcome);
    }

    private static async Task BreakAsync(TransferFarSide side, Fault fault, int good)
    {
        if (fault == Fault.RefusesConnections)
        {
            await side.KillAsync();
            return;
        }
        side.OnWindow = async (context, window) =>
        {
            switch (fault)
            {
                case Fault.AbortsBeforeTheHeader:
                    context.Abort();
                    return true;
                case Fault.IsSilentBeforeTheHeader:
                    await SilenceAsync(context);
                    return true;
                case Fault.SaysItIsGone:
                    return await TransferFarSide.RefuseAsync(context, 404, NodeRefusal.Unknown);
                case Fault.SaysItIsDamaged:
                    return await TransferFarSide.RefuseAsync(context, 409, NodeRefusal.Damaged);
                case Fault.OffersAnotherLength:
                    context.Response.ContentLength = window.Length - 1;
                    await context.Response.BodyWriter.WriteAsync(window[1..], context.RequestAborted);
                    return true;
                case Fault.SendsChunks:
                    await context.Response.StartAsync(context.RequestAborted);
                    await context.Response.BodyWriter.WriteAsync(window, context.RequestAborted);
                    return true;
                case Fault.AnswersWithAPage:
                    context.Response.StatusCode = 203;
                    await context.Response.WriteAsync("<html>welcome</html>", context.RequestAborted);
                    return true;
                case Fault.BreaksOffInTheBody:
                    await SendPartAsync(context, window, good);
                    context.Abort();
                    return true;
                case Fault.IsSilentInTheBody:
                    await SendPartAsync(context, window, good);
                    await SilenceAsync(context);
                    return true;
                default:
                    throw new InvalidOperationException($"{fault}");
            }
        };
    }

    private static Task SilenceAsync(HttpContext context) =>
        Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

    private static async Task SendPartAsync(HttpContext context, ReadOnlyMemory<byte> window, int good)
    {
        context.Response.ContentLength = window.Length;
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.BodyWriter.WriteAsync(window[..Math.Min(good, window.Length)], context.RequestAborted);
    }

    private async Task<(CopyResult Result, byte[] Bytes)> CopyAsync(TransferRig rig, long from, long length, params TransferFarSide[] sides)
    {
        using var kept = new MemoryStream();
        var writer = PipeWriter.Create(kept, new StreamPipeWriterOptions(leaveOpen: true));
        using var output = BodyOutput.Over(writer);
        var result = await rig.Reader.CopyAsync(Version, from, length, SourceLists.Known(() => [.. sides.Select(side => side.Address)]), output, _test);
        await writer.CompleteAsync();
        return (result, kept.ToArray());
    }

    private async Task AskAsync(TcpClient client, TransferRig rig)
    {
        await client.ConnectAsync(rig.Front.Host, rig.Front.Port, _test);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), _test);
    }

    private async Task<string> ReadHeaderAsync(TcpClient client)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await client.GetStream().ReadExactlyAsync(one, _test);
            text.Append((char)one[0]);
        }
        return text.ToString();
    }
}
