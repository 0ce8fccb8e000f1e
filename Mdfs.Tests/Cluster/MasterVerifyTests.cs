using System.Collections.Immutable;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Files;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Cluster;

/// <summary>Re-reading is the dearest thing a reader can ask for: asked many times it is done once, and few run at once (design, section 8).</summary>
public sealed class MasterVerifyTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TransferRig _rig = new();
    private readonly NodeRegistry _registry = new(Options.Create(new MasterOptions()), TimeProvider.System);
    private readonly WebApplication _worker = TransferRig.Kestrel("http://127.0.0.1:0");
    private readonly SpeakingNode _node = new(1);
    private readonly ActivityLog _activity = new(TimeProvider.System);
    private int _readings;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // A worker that re-reads for as long as the test likes.
        _worker.MapPost("/internal/replicas/{version}/verify", async (HttpContext context) =>
        {
            Interlocked.Increment(ref _readings);
            await _goOn.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("""{"node":"NODE","version":1,"checksum":"00000007","valid":true,"damagedBlocks":0}""".Replace("NODE", _node.Id.Value, StringComparison.Ordinal));
        });
        _worker.MapGet("/internal/replicas/{version}/verify", (string version) => $$"""{"version":{{version}},"read":600,"size":1000}""");
        await _worker.StartAsync(Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult();
        await _rig.DisposeAsync();
        await _worker.DisposeAsync();
    }

    [Fact]
    public async Task Many_who_ask_for_one_movie_share_a_run_and_the_next_one_reads_again()
    {
        var verify = new VerifyFile(_registry, _rig.Workers, _activity, TimeProvider.System);
        var film = Held(1);
        var asked = Enumerable.Range(0, 10).Select(_ => verify.RunAsync(film, Cancelled)).ToList();
        await TransferRig.SoonAsync(() => Volatile.Read(ref _readings) == 1, "one reading has begun");

        // One of them stops waiting: the others' run goes on.
        using var impatient = new CancellationTokenSource();
        var left = verify.RunAsync(film, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);

        _goOn.SetResult();
        foreach (var verdicts in await Task.WhenAll(asked)) Assert.Equal([new VerifyFacts(_worker.Urls.Single(), "00000007", true)], verdicts);
        Assert.Equal(1, _readings);
        await verify.RunAsync(film, Cancelled);
        Assert.Equal(2, _readings);
    }

    [Fact]
    public async Task A_movie_too_many_is_turned_away_until_another_is_done()
    {
        var verify = new VerifyFile(_registry, _rig.Workers, _activity, TimeProvider.System);
        var running = Enumerable.Range(1, VerifyFile.MaxRuns).Select(version => verify.RunAsync(Held(version), Cancelled)).ToList();
        Assert.Null(await verify.RunAsync(Held(99), Cancelled));
        _goOn.SetResult();
        await Task.WhenAll(running);
        Assert.NotNull(await verify.RunAsync(Held(99), Cancelled));
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_an_error_and_no_verdict()
    {
        var verify = new VerifyFile(_registry, _rig.Workers, _activity, TimeProvider.System);
        var film = Held(1);
        await _worker.StopAsync(Cancelled);
        Assert.Equal([new VerifyFacts(_node.Address, "ERROR", false)], (await verify.RunAsync(film, Cancelled))!.Select(verdict => verdict with { Node = _node.Address }));
    }

    [Fact]
    public async Task While_a_movie_is_re_read_everybody_can_ask_how_far_that_is_and_afterwards_it_stands_in_the_activity()
    {
        var verify = new VerifyFile(_registry, _rig.Workers, _activity, TimeProvider.System);
        var film = Held(1);
        Assert.False((await verify.ProgressAsync(film.Version, Cancelled)).Running);
        var running = verify.RunAsync(film, Cancelled);
        var progress = await verify.ProgressAsync(film.Version, Cancelled);
        Assert.True(progress.Running);
        Assert.Equal((600, 1000), (progress.BytesRead, progress.BytesTotal));
        Assert.Equal([new NodeProgressFacts("worker", 600, 1000, null)], progress.Nodes);
        _goOn.SetResult();
        await running;
        Assert.False((await verify.ProgressAsync(film.Version, Cancelled)).Running);
        _activity.CloseTallies(all: true);
        var told = Assert.Single(_activity.Page(10, null, []).Items);
        Assert.Equal((ActivityKinds.Verified, "1.mp4", "1 of 1 copies are good"), (told.Kind, told.Name, told.Detail));
    }

    private CatalogEntry Held(long version)
    {
        var report = SpeakingNode.Sealed($"{version}.mp4", version, "c");
        lock (_registry.Gate)
        {
            var state = _registry.FindOrAdd(_node.Id, "worker");
            state.Address = _worker.Urls.Single();
            state.Inventory.Set(report, version);
            _registry.Revive(state);
        }

        return new CatalogEntry(report.Replica, ImmutableArray<NodeId>.Empty);
    }
}
