using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>What Redis keeps of a node is what the next master has to know of it (design, sections 2.2 and 2.6).</summary>
public sealed class NodeRecordTests : OwnRedis
{
    private const string Ours = "0123456789abcdef0123456789abcdef";
    private static readonly FileName Film = FileName.Parse("film.mp4");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deletion_is_remembered_for_a_node_that_the_master_before_heard_until_its_end()
    {
        SpeakingNode[] nodes = [new(1) { ClusterId = Ours }, new(2) { ClusterId = Ours }];
        double age;
        await using (var first = await StartMasterAsync())
        {
            await SettleAsync(first, nodes);
            await PassAsync(first, TimeSpan.FromDays(31), nodes);
            await first.Get<SessionWatch>().RunOnceAsync(Cancelled);
            age = first.Get<ClusterClock>().Age;
            // An old deletion, of which a worker told when Redis had forgotten it.
            var told = new Tombstone(Film, new MovieVersion(7), age - TimeSpan.FromDays(30.5).TotalSeconds, _time.GetUtcNow());
            using var held = await first.Get<NameLocks>().AcquireAsync(Film, Cancelled);
            Assert.True(await first.Get<CatalogSession>().ApplyAsync(new CatalogChange { Bury = [told], Highest = told.Bound }, Cancelled));
        }

        await using var next = await StartMasterAsync();
        lock (next.Get<NodeRegistry>().Gate) Assert.InRange(next.Get<NodeRegistry>().Find(nodes[1].Id)!.LastHeardAge, age - TimeSpan.FromHours(1).TotalSeconds, age);
        await SettleAsync(next, [nodes[0]]);
        await next.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.NotNull(next.Get<FileCatalog>().FindTombstone(Film));

        // Its own memory of the age is then older than deletions are remembered: whatever it brings is put aside.
        await PassAsync(next, TimeSpan.FromDays(31), nodes[0]);
        await next.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.Null(next.Get<FileCatalog>().FindTombstone(Film));
    }

    [Fact]
    public async Task Nobody_is_told_to_be_settled_before_all_had_the_time_to_come()
    {
        var node = new SpeakingNode(1) { ClusterId = Ours };
        await using (var first = await StartMasterAsync()) await SettleAsync(first, node);
        await using var next = await StartMasterAsync();
        await TellAsync(next, node);
        Assert.False((await BeatAsync(next, node)).Settled);
        _time.Advance(TimeSpan.FromMinutes(61));
        Assert.True((await BeatAsync(next, node)).Settled);
    }

    [Fact]
    public async Task A_node_that_is_forgotten_while_others_are_written_down_is_not_back_with_the_next_master()
    {
        await using var proxy = new RedisProxy(Redis.Port);
        SpeakingNode[] nodes = [new(1) { ClusterId = Ours }, new(2) { ClusterId = Ours }];
        await using (var rig = await StartMasterAsync($"127.0.0.1:{proxy.Port}"))
        {
            await SettleAsync(rig, nodes);
            await AnswerAsync(rig, nodes[1], nodes[1].Beat() with { Leaving = true });
            var registry = rig.Get<NodeRegistry>();
            lock (registry.Gate)
            {
                foreach (var state in registry.States) state.Unsaved = true;
            }

            var (reached, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource());
            proxy.AtNextExec(async () =>
            {
                reached.SetResult();
                await goesOn.Task;
                return ExecFate.Forward;
            });
            var saving = rig.Get<CatalogSession>().SaveNodesAsync(Cancelled);
            await reached.Task.WaitAsync(Cancelled);
            var forgetting = rig.Admin.DeleteAsync($"api/nodes/{nodes[1].Id}", Cancelled);
            // It has the time to come as far as it can meanwhile.
            for (var i = 0; i < 5; i++) await rig.Admin.GetStringAsync("api/nodes", Cancelled);
            goesOn.SetResult();
            await saving;
            using var forgotten = await forgetting;
            Assert.True(forgotten.IsSuccessStatusCode);
            Assert.Null(registry.View.Find(nodes[1].Id));
        }

        await using var next = await StartMasterAsync();
        Assert.NotNull(next.Get<NodeRegistry>().View.Find(nodes[0].Id));
        Assert.Null(next.Get<NodeRegistry>().View.Find(nodes[1].Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wish_that_is_in_redis_stands_though_the_node_has_something_else_to_be_written_down(bool maintenance)
    {
        await using var proxy = new RedisProxy(Redis.Port);
        var node = new SpeakingNode(1) { ClusterId = Ours };
        await using var rig = await StartMasterAsync($"127.0.0.1:{proxy.Port}");
        await SettleAsync(rig, node);
        await rig.Get<CatalogSession>().SaveNodesAsync(Cancelled);
        var registry = rig.Get<NodeRegistry>();
        proxy.AtNextExec(() =>
        {
            // While it is written down something else of it changes.
            lock (registry.Gate)
            {
                if (maintenance) registry.SetDraining(node.Id, true);
                else registry.Leave(registry.Find(node.Id)!, rig.Get<ClusterClock>().Age + 600);
                registry.Find(node.Id)!.Unsaved = true;
            }

            return Task.FromResult(ExecFate.Forward);
        });
        if (maintenance) Assert.True(await rig.Get<Maintenance>().SetAsync(node.Id, TimeSpan.FromHours(1), Cancelled));
        else Assert.True(await rig.Get<Drains>().SetAsync(node.Id, true, Cancelled));
        var seen = registry.View.Find(node.Id)!;
        Assert.True(seen.Draining);
        lock (registry.Gate) Assert.True(registry.Find(node.Id) is { MaintenanceUntil: > 0, Unsaved: true });
    }

    /// <summary>Nothing in it runs by itself: the test says when.</summary>
    private Task<MasterRig> StartMasterAsync(string? redis = null) => MasterRig.StartAtAsync(
        redis ?? Redis.ConnectionString, _time, ("Mdfs:Master:NodeTimeout", "01:00:00"), ("Mdfs:Master:HealthCheckInterval", "00:10:00"), ("Mdfs:Master:RepairInterval", "01:00:00"), ("Mdfs:Master:TombstoneCleanupInterval", "1.00:00:00"));

    /// <summary>All of these have told what they hold, which is nothing, and the others had the time to come.</summary>
    private async Task SettleAsync(MasterRig rig, params IReadOnlyList<SpeakingNode> nodes)
    {
        foreach (var node in nodes) await TellAsync(rig, node);
        for (var i = 0; i < 3; i++) await PassAsync(rig, TimeSpan.FromMinutes(25), nodes);
        await Eventually.TrueAsync(
            async () =>
            {
                await rig.Get<SessionWatch>().RunOnceAsync(Cancelled);
                return !rig.Get<CatalogSession>().IsUncertain;
            },
            "the cluster is settled", MdfsClient.Patience, Cancelled);
    }

    private static async Task TellAsync(MasterRig rig, SpeakingNode node)
    {
        await BeatAsync(rig, node);
        await BeatAsync(rig, node);
        Assert.True(rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
    }

    private async Task PassAsync(MasterRig rig, TimeSpan time, params IReadOnlyList<SpeakingNode> nodes)
    {
        _time.Advance(time);
        foreach (var node in nodes) await BeatAsync(rig, node);
    }

    private static Task<BeatReply> BeatAsync(MasterRig rig, SpeakingNode node) => AnswerAsync(rig, node, node.Beat());

    private static async Task<BeatReply> AnswerAsync(MasterRig rig, SpeakingNode node, Beat beat) => node.Hear(await rig.Get<BeatConversation>().AnswerAsync(beat, Cancelled));
}
