using System.Diagnostics;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>One worker that re-reads what it holds (design, section 6).</summary>
public sealed class WorkerScrubTests : IDisposable
{
    private const int Block = 65_536;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_bad_block_that_nobody_reads_is_found_and_planted_rot_is_found_in_every_round()
    {
        await using var node = await StartAsync();
        var scrubber = await RestingAsync(node);
        var good = await node.StoreAsync(WorkerNode.Movie(5 * Block, seed: 1), "good.mp4");
        var bad = await node.StoreAsync(WorkerNode.Movie((9 * Block) + 7, seed: 2), "bad.mp4");
        BitRot.Flip(node.ReplicaPath(bad.Version), (8 * Block) + 100);
        var canary = scrubber.Report().CanarySeconds;

        scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
        await SoonAsync(() => scrubber.Report() is { State: ScrubState.Resting, Cycle: 2 }, "the second round is over");
        var inventory = node.Services.GetRequiredService<Inventory>();
        Assert.True(inventory.TryGet(bad.Version, out var condemned) && condemned.Report.Damaged);
        Assert.True(inventory.TryGet(good.Version, out var spared) && !spared.Report.Damaged);
        var report = scrubber.Report();
        Assert.Equal((1, 0, 1), (report.RotFound, report.RotHealed, report.Order));
        Assert.InRange(report.CanarySeconds, 0, canary + 30);
        // What was flipped on purpose is no movie's business.
        Assert.Equal(2, inventory.Count);
        Assert.Equal(1, inventory.DamagedCount);
    }

    [Fact]
    public async Task How_long_ago_a_replica_was_re_read_is_told_and_grows_until_it_is_again()
    {
        var clock = new JumpingClock();
        await using var node = await WorkerNode.StartAsync(_directory.Path, time: clock);
        var scrubber = await RestingAsync(node);
        await node.StoreAsync(WorkerNode.Movie(1000));
        Assert.InRange(scrubber.Report().OldestSeconds, 0, 600);
        clock.Jump(TimeSpan.FromHours(2));
        Assert.InRange(scrubber.Report().OldestSeconds, 7200, 7800);
        scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
        await SoonAsync(() => scrubber.Report() is { State: ScrubState.Resting, Cycle: 2 }, "another round");
        Assert.InRange(scrubber.Report().OldestSeconds, 0, 600);
    }

    [Fact]
    public async Task It_goes_on_after_a_restart_at_the_block_where_it_stopped_and_keeps_to_its_limit()
    {
        var slow = new Dictionary<string, string?> { ["Mdfs:Worker:ScrubBytesPerSecond"] = "2000000" };
        long reached;
        await using (var node = await StartAsync(slow))
        {
            var scrubber = await RestingAsync(node);
            await node.StoreAsync(WorkerNode.Movie(40_000_000));
            var started = Stopwatch.GetTimestamp();
            scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
            await SoonAsync(() => scrubber.Report() is { State: ScrubState.Running, Cycle: 2, Done: >= 3_000_000 }, "some of it is read");
            reached = scrubber.Report().Done;
            Assert.True(reached / Stopwatch.GetElapsedTime(started).TotalSeconds < 3_000_000);
        }

        await using var again = await StartAsync();
        var facts = again.Services.GetRequiredService<ScrubMemory>().Facts;
        Assert.Equal(2, facts.Cycle);
        Assert.InRange(facts.Block * Block, reached, 39_999_999);
        var later = again.Services.GetRequiredService<Scrubber>();
        await SoonAsync(() => later.Report() is { State: ScrubState.Resting, Cycle: 2 }, "the round is over");
    }

    [Fact]
    public async Task A_pause_outlasts_a_restart_and_an_order_is_obeyed_once()
    {
        await using (var node = await StartAsync())
        {
            var scrubber = await RestingAsync(node);
            scrubber.Obey(new ScrubOrder(7, ScrubAction.Pause));
            Assert.Equal(ScrubState.Paused, scrubber.Report().State);
        }

        await using var again = await StartAsync();
        var later = again.Services.GetRequiredService<Scrubber>();
        Assert.Equal((ScrubState.Paused, 7), (later.Report().State, later.Report().Order));
        later.Obey(new ScrubOrder(6, ScrubAction.Start));
        Assert.Equal(ScrubState.Paused, later.Report().State);
        later.Obey(new ScrubOrder(8, ScrubAction.Start));
        await SoonAsync(() => later.Report() is { State: ScrubState.Resting, Cycle: 2 }, "another round");
    }

    [Fact]
    public async Task Too_much_damage_stops_it()
    {
        await using var node = await StartAsync();
        var scrubber = await RestingAsync(node);
        for (var i = 0; i < 9; i++)
        {
            var replica = await node.StoreAsync(WorkerNode.Movie(1000, seed: i), $"{i}.mp4");
            BitRot.Flip(node.ReplicaPath(replica.Version), 10);
        }

        scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
        await SoonAsync(() => scrubber.Report().State == ScrubState.Stopped, "it stops");
        Assert.Contains("disk", scrubber.Report().Reason);
        Assert.Equal(DamageDesk.Tolerated + 1, node.Services.GetRequiredService<Inventory>().DamagedCount);
    }

    [Fact]
    public async Task A_memory_that_cannot_be_read_costs_a_round_and_nothing_else()
    {
        await File.WriteAllTextAsync(_directory["scrub.json"], "{", TestContext.Current.CancellationToken);
        await using var node = await StartAsync();
        await RestingAsync(node);
    }

    private Task<WorkerNode> StartAsync(Dictionary<string, string?>? settings = null) => WorkerNode.StartAsync(_directory.Path, settings: settings);

    /// <summary>The first round, of an empty node, is over.</summary>
    private static async Task<Scrubber> RestingAsync(WorkerNode node)
    {
        var scrubber = node.Services.GetRequiredService<Scrubber>();
        await SoonAsync(() => scrubber.Report() is { State: ScrubState.Resting, Cycle: 1 }, "the first round is over");
        return scrubber;
    }

    private static Task SoonAsync(Func<bool> condition, string what) => Eventually.TrueAsync(condition, what, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}
