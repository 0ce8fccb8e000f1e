using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Xunit;

namespace Mdfs.Tests.Cluster;

public sealed class TransferOpeningTests
{
    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Workers_that_refuse_or_are_silent_are_replaced_by_the_next_of_the_walk()
    {
        await using var rig = new TransferRig();
        await using var full = await TransferFarSide.StartAsync();
        await using var silent = await TransferFarSide.StartAsync();
        await using var good = await TransferFarSide.StartAsync();
        await using var spare = await TransferFarSide.StartAsync();
        await using var unused = await TransferFarSide.StartAsync();
        full.OnOpen = context => TransferFarSide.RefuseAsync(context, 507, NodeRefusal.Full);
        silent.OnOpen = async context =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        var upload = UploadId.New();

        var opened = await rig.Opening.OpenAsync(
            upload, 42, 2, [full.Address, silent.Address, good.Address, spare.Address, unused.Address], _test);

        Assert.Equal([good.Id, spare.Id], opened.Opened.Select(target => target.Id));
        Assert.Equal([full.Id, silent.Id], opened.Failed.Select(target => target.Target.Id));
        Assert.Equal(new NodeFailure.TimedOut(TimeSpan.FromSeconds(2)), opened.Failed[1].Reason);
        Assert.False(opened.AllFull);
        Assert.Equal(42, good.Opened[upload]);
        Assert.Empty(unused.Requests);
        await TransferRig.SoonAsync(() => silent.Dropped.ContainsKey(upload), "the silent worker is told to drop what it may have opened");
    }

    [Fact]
    public async Task Full_workers_are_told_from_absent_ones()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        a.OnOpen = b.OnOpen = context => TransferFarSide.RefuseAsync(context, 507, NodeRefusal.Full);
        var gone = b.Address;

        var full = await rig.Opening.OpenAsync(UploadId.New(), null, 2, [a.Address, gone], _test);
        await b.KillAsync();
        var absent = await rig.Opening.OpenAsync(UploadId.New(), null, 2, [a.Address, gone], _test);
        var nobody = await rig.Opening.OpenAsync(UploadId.New(), null, 2, [], _test);

        Assert.True(full.AllFull);
        Assert.False(absent.AllFull);
        Assert.False(nobody.AllFull);
        Assert.Empty(nobody.Opened);
    }

    [Fact]
    public async Task What_was_opened_is_dropped_when_the_client_goes_away_meanwhile()
    {
        await using var rig = new TransferRig();
        await using var a = await TransferFarSide.StartAsync();
        await using var b = await TransferFarSide.StartAsync();
        using var client = new CancellationTokenSource();
        var upload = UploadId.New();
        b.OnOpen = async context =>
        {
            await TransferRig.SoonAsync(() => a.Opened.ContainsKey(upload), "the other one is open");
            await client.CancelAsync();
            return true;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Opening.OpenAsync(upload, 1, 2, [a.Address, b.Address], client.Token));

        await TransferRig.SoonAsync(() => a.Dropped.ContainsKey(upload), "the opened worker is told to drop it");
    }
}
