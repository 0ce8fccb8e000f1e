using System.Diagnostics;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Mdfs.Tests.Cluster;

public sealed class TransferWorkerClientTests
{
    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_call_carries_a_token_that_the_worker_accepts()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        var name = FileName.Parse("Амели & co ☕.mkv");
        var replica = new ReplicaDescription(name, new MovieVersion(9), 5, new Checksum(1), DateTimeOffset.UnixEpoch, upload, "cluster");

        Assert.True((await rig.Workers.OpenAsync(a.Address, upload, null, _test)).Succeeded);
        Assert.Equal(replica, (await rig.Workers.SealAsync(a.Address, replica, _test)).Value!.Report.Replica);
        Assert.True((await rig.Workers.DropAsync(a.Address, upload, _test)).Succeeded);
        var tombstone = new Tombstone(name, new MovieVersion(11), 5, DateTimeOffset.UnixEpoch);
        Assert.Equal([new MovieVersion(11)], (await rig.Workers.BuryAsync(a.Address, tombstone, _test)).Value!.Removed);
        Assert.True((await rig.Workers.VerifyAsync(a.Address, new MovieVersion(9), 5, _test)).Value!.Valid);
        Assert.True((await rig.Workers.BeatNowAsync(a.Address, _test)).Succeeded);
    }

    [Fact]
    public async Task A_token_for_one_worker_opens_nothing_on_another_that_took_its_address()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();

        var answer = await rig.Workers.BeatNowAsync(a.Address with { Id = NodeId.New() }, _test);

        Assert.Equal(401, Assert.IsType<NodeFailure.Refused>(answer.Failure).Status);
    }

    [Fact]
    public async Task Every_ending_is_an_answer_and_no_exception()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        var upload = UploadId.New();
        var address = a.Address;

        a.OnOpen = context => TransferFarSide.RefuseAsync(context, 409, NodeRefusal.Conflict);
        var refused = await rig.Workers.OpenAsync(address, upload, 1, _test);
        a.OnOpen = async context =>
        {
            context.Response.StatusCode = 500;
            await context.Response.WriteAsync("<html>oops</html>", context.RequestAborted);
            return true;
        };
        var wordless = await rig.Workers.OpenAsync(address, upload, 1, _test);
        a.OnOpen = context =>
        {
            context.Response.Redirect("http://127.0.0.1:1/elsewhere");
            return Task.FromResult(true);
        };
        var redirected = await rig.Workers.OpenAsync(address, upload, 1, _test);
        a.OnOpen = async context =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        var silent = await rig.Workers.OpenAsync(address, upload, 1, _test);
        await a.KillAsync();
        var gone = await rig.Workers.OpenAsync(address, upload, 1, _test);

        Assert.Equal(NodeRefusal.Conflict, Assert.IsType<NodeFailure.Refused>(refused.Failure).Refusal.Code);
        Assert.Equal("http-500", Assert.IsType<NodeFailure.Refused>(wordless.Failure).Refusal.Code);
        Assert.IsType<NodeFailure.Malformed>(redirected.Failure);
        Assert.Equal(new NodeFailure.TimedOut(TimeSpan.FromSeconds(2)), silent.Failure);
        Assert.IsType<NodeFailure.Unreachable>(gone.Failure);
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read_to_its_end()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        a.OnOpen = async context =>
        {
            var page = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(page, context.RequestAborted);
            return true;
        };

        var answer = await rig.Workers.OpenAsync(a.Address, UploadId.New(), 1, _test);

        Assert.IsType<NodeFailure.Malformed>(answer.Failure);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_not_an_answer()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        using var caller = new CancellationTokenSource();
        a.OnOpen = async context =>
        {
            await caller.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Workers.OpenAsync(a.Address, UploadId.New(), 1, caller.Token));
    }

    [Fact]
    public async Task The_trace_goes_along_and_nothing_else_does()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        a.Replicas[new MovieVersion(5)] = [1, 2, 3];
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "transfer trace test",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("transfer trace test");
        using var activity = source.StartActivity("reading")!;

        using var window = (await rig.Windows.OpenAsync(a.Address, new MovieVersion(5), 0, 3, begun: false, _test)).Value!;

        var headers = a.Headers.Single();
        Assert.Contains(activity.TraceId.ToString(), headers["traceparent"], StringComparison.Ordinal);
        Assert.Equal(["Host", "traceparent", "X-Mdfs-Node-Token"], headers.Keys.Order(StringComparer.OrdinalIgnoreCase));
    }
}
