using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>What a master does in the course of minutes and months, by a clock that the test moves (design, sections 4, 6 and 7).</summary>
public sealed class MasterUpkeepTests : IAsyncLifetime
{
    private const string Ours = "0123456789abcdef0123456789abcdef";
    private static readonly FileName Film = FileName.Parse("film.mp4");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly List<SpeakingNode> _nodes = [];
    private readonly List<(NodeId Node, FileName Name)> _forgotten = [];
    private MasterRig _rig = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private FileCatalog Catalog => _rig.Get<FileCatalog>();

    public async ValueTask InitializeAsync()
    {
        // Nothing here runs by itself: the test says when. And nobody falls silent in the minutes that pass at once.
        _rig = await MasterRig.StartAsync(
            _time, ("Mdfs:Master:NodeTimeout", "01:00:00"), ("Mdfs:Master:HealthCheckInterval", "00:10:00"), ("Mdfs:Master:RepairInterval", "01:00:00"), ("Mdfs:Master:TombstoneCleanupInterval", "1.00:00:00"));
    }

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_tombstone_goes_after_its_retention_and_the_workers_are_told()
    {
        await StartAsync(2);
        await BuryAsync(7);
        await PassAsync(TimeSpan.FromDays(29));
        await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.NotNull(Catalog.FindTombstone(Film));

        await PassAsync(TimeSpan.FromDays(2));
        await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.Null(Catalog.FindTombstone(Film));
        Assert.Equal(0, _rig.Get<NameLocks>().Count);
        foreach (var node in _nodes)
        {
            await BeatAsync(node);
            // The cleaner's own round may have come first, since days have passed, and an earlier reply may have told it.
            Assert.Contains((node.Id, Film), _forgotten);
        }

        Assert.Empty((await BeatAsync(_nodes[0])).Forget);
    }

    [Fact]
    public async Task The_age_by_which_a_tombstone_is_forgotten_stands_in_Redis_first()
    {
        await StartAsync(1);
        await BuryAsync(7);
        // A worker tells an age of which Redis has not heard yet.
        var age = _rig.Get<ClusterClock>().Age + TimeSpan.FromDays(31).TotalSeconds;
        _nodes[0].ClusterAge = _nodes[0].SettledAge = age;
        await BeatAsync(_nodes[0]);
        await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.Null(Catalog.FindTombstone(Film));
        await using var connection = await ConnectionMultiplexer.ConnectAsync(_rig.Redis);
        Assert.True((double)await connection.GetDatabase().StringGetAsync("mdfs:cluster-age") >= age);
    }

    [Fact]
    public async Task A_tombstone_stays_while_a_reported_replica_needs_it()
    {
        await StartAsync(2);
        await BuryAsync(7);
        await BeatAsync(_nodes[0], SpeakingNode.Sealed("film.mp4", 5, Ours));
        await PassAsync(TimeSpan.FromDays(31));
        await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.NotNull(Catalog.FindTombstone(Film));
    }

    [Fact]
    public async Task A_tombstone_whose_name_is_being_written_to_waits_for_the_next_turn()
    {
        await StartAsync(1);
        await BuryAsync(7);
        using (await _rig.Get<NameLocks>().AcquireAsync(Film, Cancelled))
        {
            await PassAsync(TimeSpan.FromDays(31));
            await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
            Assert.NotNull(Catalog.FindTombstone(Film));
        }

        await _rig.Get<TombstoneCleaner>().RunOnceAsync(Cancelled);
        Assert.Null(Catalog.FindTombstone(Film));
    }

    [Fact]
    public async Task A_surplus_copy_goes_after_the_grace_one_at_a_time_and_the_order_is_not_queued()
    {
        await StartAsync(4);
        await StoreAsync(5, [.. _nodes]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await PassAsync(TimeSpan.FromMinutes(9));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        foreach (var node in _nodes) Assert.Empty((await BeatAsync(node)).Orders);

        _time.Advance(TimeSpan.FromMinutes(2));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var told = await DeletionsAsync();
        Assert.Single(told);
        // Until the order's life is over and a later beat still shows the copy, it is as good as gone: nobody else is told.
        Assert.Empty(await DeletionsAsync());

        _time.Advance(TimeSpan.FromSeconds(12));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        // This beat may have been on its way since before. The next one was made after an answer that the order did not outlive.
        Assert.Empty(await DeletionsAsync());
        Assert.Equal(told, await DeletionsAsync());
    }

    [Fact]
    public async Task A_surplus_copy_whose_node_has_not_been_heard_since_it_was_told_to_remove_it_is_not_one_of_those_that_stay()
    {
        await StartAsync(3);
        await StoreAsync(5, [.. _nodes]);
        await SurplusAsync();
        var told = Assert.Single(await DeletionsAsync());
        // It did so, and died before it could say it.
        _time.Advance(TimeSpan.FromSeconds(12));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var other = _nodes.First(node => node.Id != told);
        Assert.Empty(Deletions(await BeatAsync(other, Current() with { Damaged = true })));
    }

    [Fact]
    public async Task A_copy_that_its_node_was_told_to_remove_does_not_make_the_successor_of_a_superseded_version_whole()
    {
        await StartAsync(4);
        await StoreAsync(5, _nodes[3]);
        await StoreAsync(6, [.. _nodes.Take(3)]);
        await BeatAsync(_nodes[3]);
        await PassAsync(TimeSpan.FromMinutes(61));
        await SurplusAsync();
        Assert.Equal([new MovieVersion(5)], Deletions(await BeatAsync(_nodes[3])));
        var told = default(NodeId);
        foreach (var node in _nodes.Take(3))
        {
            if (Deletions(await BeatAsync(node)).Contains(new MovieVersion(6))) told = node.Id;
        }

        await BeatAsync(_nodes.Take(3).First(node => node.Id != told), Current() with { Damaged = true });
        Assert.Empty(Deletions(await BeatAsync(_nodes[3])));
    }

    [Fact]
    public async Task Copies_that_stay_are_read_again_before_a_surplus_one_goes()
    {
        await StartAsync(3);
        await StoreAsync(5, verified: false, [.. _nodes]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        _time.Advance(TimeSpan.FromMinutes(11));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var orders = new List<NodeOrder>();
        foreach (var node in _nodes) orders.AddRange((await BeatAsync(node)).Orders);
        Assert.Equal(2, orders.Count(order => order is VerifyOrder { Version.Number: 5 }));
        Assert.DoesNotContain(orders, order => order.RemovesBytes);
    }

    [Fact]
    public async Task A_superseded_version_goes_after_its_grace_and_only_while_its_successor_is_whole()
    {
        await StartAsync(2);
        await StoreAsync(5, [.. _nodes]);
        await StoreAsync(6, [_nodes[0]]);
        foreach (var node in _nodes) Assert.Empty((await BeatAsync(node)).Orders);
        await PassAsync(TimeSpan.FromMinutes(61));
        // The successor has one copy of two.
        foreach (var node in _nodes) Assert.Empty(Deletions(await BeatAsync(node)));

        await BeatAsync(_nodes[1], Current() with { Verified = true });
        foreach (var node in _nodes) Assert.Equal([new MovieVersion(5)], Deletions(await BeatAsync(node)));
    }

    [Fact]
    public async Task A_node_that_was_away_too_long_settles_also_where_it_holds_what_is_below_a_lost_entry()
    {
        await StartAsync(2);
        // Committed, and never a byte of it anywhere.
        await StoreAsync(6);
        await PassAsync(TimeSpan.FromDays(40));
        var away = _nodes[1];
        away.SettledAge = 0;
        var reply = await BeatAsync(away, SpeakingNode.Sealed("film.mp4", 5, Ours));
        Assert.Equal(new MovieVersion(5), Assert.Single(reply.Orders.OfType<QuarantineOrder>()).Version);
        Assert.False(reply.Settled);
        reply = await AnswerAsync(away, away.Beat() with { Removed = [new MovieVersion(5)] });
        Assert.Empty(reply.Orders);
        // What the replica made the adoption look at may not be looked through yet.
        await Eventually.TrueAsync(async () => reply.Settled || (reply = await BeatAsync(away)).Settled, "the node is settled", MdfsClient.Patience, Cancelled);
        Assert.Equal(6, Catalog.Find(Film)!.Version.Number);
    }

    [Fact]
    public async Task A_node_that_comes_back_is_heard_out_before_anything_is_copied()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0], _nodes[1]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(0, _rig.Get<Fixer>().Running);

        var restarted = new SpeakingNode(1, "second") { ClusterId = Ours, Epoch = _nodes[0].Epoch };
        restarted.Hold(Current());
        await BeatAsync(restarted);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(0, _rig.Get<Fixer>().Running);
        Assert.True(_rig.Get<BeatConversation>().TakePage(restarted.Inventory()).Accepted);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(0, _rig.Get<Fixer>().Running);
        Assert.Equal(0, _rig.Get<CopySurvey>().UnderReplicated(_rig.Get<NodeRegistry>().View));
    }

    [Fact]
    public async Task A_missing_copy_is_pulled_by_another_node_and_the_pull_is_cancelled_when_nobody_wants_it_any_more()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var (target, pull) = (default(SpeakingNode), default(PullOrder));
        foreach (var node in _nodes)
        {
            if ((await BeatAsync(node)).Orders.OfType<PullOrder>().SingleOrDefault() is { } order) (target, pull) = (node, order);
        }

        Assert.Equal(_nodes[0].Id, pull!.Sources.Single().Node);
        await BuryAsync(9);
        var reply = await AnswerAsync(target!, target!.Beat() with { Pulls = [new PullProgress(new MovieVersion(5), 10, 1000)] });
        Assert.Contains(new CancelPullOrder(new MovieVersion(5)), reply.Orders);
    }

    [Fact]
    public async Task What_lacks_a_copy_and_waits_for_no_more_than_the_repair_delay_is_told_apart()
    {
        _rig.Get<IOptions<MasterOptions>>().Value.RepairDelay = TimeSpan.FromMinutes(30);
        await StartAsync(3);
        await StoreAsync(5, _nodes[0]);
        var fixer = _rig.Get<Fixer>();
        await fixer.RunOnceAsync(Cancelled);
        Assert.Equal((1, 1), (fixer.Waiting, fixer.Delayed));
        Assert.Contains("mdfs_repairs_delayed 1\n", await _rig.Client.GetStringAsync("/metrics", Cancelled));
        await PassAsync(TimeSpan.FromMinutes(31));
        await fixer.RunOnceAsync(Cancelled);
        Assert.Equal((1, 0), (fixer.Waiting, fixer.Delayed));
        var orders = new List<NodeOrder>();
        foreach (var node in _nodes) orders.AddRange((await BeatAsync(node)).Orders);
        Assert.Single(orders.OfType<PullOrder>());
    }

    [Fact]
    public async Task A_pull_that_gets_nowhere_is_cancelled_when_another_node_makes_the_copy_in_its_place()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var target = default(SpeakingNode);
        foreach (var node in _nodes)
        {
            if ((await BeatAsync(node)).Orders.OfType<PullOrder>().Any()) target = node;
        }

        // It waits behind others there, and meanwhile the disk has become full.
        Beat Waiting() => target!.Beat() with { Pulls = [new PullProgress(new MovieVersion(5), 0, 1000)], Space = new NodeSpace(1L << 40, 0, 0, 0) };
        Assert.DoesNotContain((await AnswerAsync(target!, Waiting())).Orders, static order => order is CancelPullOrder);
        _time.Advance(TimeSpan.FromMinutes(3));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Contains(new CancelPullOrder(new MovieVersion(5)), (await AnswerAsync(target!, Waiting())).Orders);
        var other = _nodes.Single(node => node != _nodes[0] && node != target);
        Assert.Contains((await BeatAsync(other)).Orders, static order => order is PullOrder);
    }

    [Fact]
    public async Task What_an_interrupted_pull_has_kept_counts_as_progress_and_not_as_copied_once_more()
    {
        await StartAsync(2);
        await StoreAsync(5, _nodes[0]);
        var fixer = _rig.Get<Fixer>();
        await fixer.RunOnceAsync(Cancelled);
        var target = _nodes[1];
        Assert.Single((await BeatAsync(target)).Orders.OfType<PullOrder>());
        // An earlier master had it begun: the target re-reads what it has kept of it, then goes on, is started again, and re-reads that.
        foreach (var (done, kept, copied) in ((long Done, long Kept, long Copied)[])[(100, 100, 0), (300, 300, 0), (350, 300, 50), (0, 0, 50), (200, 200, 50), (340, 340, 50), (400, 340, 110)])
        {
            _time.Advance(TimeSpan.FromSeconds(100));
            var reply = await AnswerAsync(target, target.Beat() with { Pulls = [new PullProgress(new MovieVersion(5), done, 1000) { Kept = kept }] });
            await fixer.RunOnceAsync(Cancelled);
            Assert.DoesNotContain(reply.Orders, static order => order is CancelPullOrder);
            Assert.Equal((copied, 1000 - done), (fixer.BytesCopied, fixer.BytesToGo));
        }

        await BeatAsync(target, Current());
        await fixer.RunOnceAsync(Cancelled);
        Assert.Equal(710, fixer.BytesCopied);
    }

    [Fact]
    public async Task The_reply_to_the_beat_that_tells_of_a_copy_brings_the_order_for_the_next_one()
    {
        await StartAsync(2);
        foreach (var version in new[] { 5, 6, 7 }) await StoreAsync(version, verified: true, $"film {version}.mp4", _nodes[0]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        var begun = (await BeatAsync(_nodes[1])).Orders.OfType<PullOrder>().Select(order => order.Replica).ToList();
        Assert.Equal(2, begun.Count);
        Assert.Equal(2, _rig.Get<Fixer>().Running);

        var reply = await BeatAsync(_nodes[1], new ReplicaReport(begun[0], Damaged: false, Verified: true));
        var orders = reply.Orders.OfType<PullOrder>().Select(order => order.Replica.Version.Number).ToList();
        Assert.Equal([5, 6, 7], orders.Append(begun[0].Version.Number).Order());
        Assert.Equal(2, _rig.Get<Fixer>().Running);
    }

    [Fact]
    public async Task The_bytes_still_to_heal_are_those_of_copies_under_way_and_of_those_that_wait()
    {
        await StartAsync(2);
        for (var version = 5; version < 15; version++) await StoreAsync(version, verified: true, $"film {version}.mp4", _nodes[0]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await ShowsAsync("mdfs_repair_bytes_to_go 10000");
        // Two are begun, and eight wait.
        Assert.Equal(2, (await BeatAsync(_nodes[1])).Orders.OfType<PullOrder>().Count());
        await ShowsAsync("mdfs_repair_bytes_to_go 10000");
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await ShowsAsync("mdfs_repair_bytes_to_go 10000");
    }

    [Fact]
    public async Task What_lacks_copies_and_waits_for_a_node_that_is_expected_back_is_told_apart()
    {
        await StartAsync(2);
        await StoreAsync(5, _nodes[0], _nodes[1]);
        Assert.True(await _rig.Get<Maintenance>().SetAsync(_nodes[1].Id, TimeSpan.FromHours(2), Cancelled));
        await AnswerAsync(_nodes[1], _nodes[1].Beat() with { Leaving = true });
        // Its second copy has no other place to go to either.
        await StoreAsync(6, verified: true, "new.mp4", _nodes[0]);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await ShowsAsync("mdfs_repairs_awaited 2");

        // On a third node the new one has, and nobody waits for it.
        var third = new SpeakingNode(3) { ClusterId = Ours };
        await BeatAsync(third);
        await BeatAsync(third);
        Assert.True(_rig.Get<BeatConversation>().TakePage(third.Inventory()).Accepted);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await ShowsAsync("mdfs_repairs_awaited 1");
        Assert.True(await _rig.Get<Maintenance>().SetAsync(_nodes[1].Id, null, Cancelled));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        await ShowsAsync("mdfs_repairs_awaited 0");
    }

    [Fact]
    public async Task Nobody_who_asks_for_metrics_has_all_movies_looked_at()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0], _nodes[1]);
        using (var begun = await _rig.Admin.PostAsync($"api/nodes/{_nodes[0].Id}/drain", null, Cancelled)) Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        await ShowsAsync("mdfs_drain_bytes_to_go 1000");
        await StoreAsync(6, verified: true, "new.mp4", _nodes[0], _nodes[1]);
        // What was found at the last look; the next one finds the new movie.
        for (var i = 0; i < 3; i++) await ShowsAsync("mdfs_drain_bytes_to_go 1000");
        for (var i = 0; i < 2; i++) await PassAsync(TimeSpan.FromMinutes(31));
        await Eventually.TrueAsync(async () => (await MetricsAsync()).Contains("mdfs_drain_bytes_to_go 2000\n", StringComparison.Ordinal), "it is looked at by itself", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task A_slow_copy_of_a_drain_is_told_to_hurry_when_it_is_the_only_one_that_its_movie_can_get()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0], _nodes[1]);
        using (var begun = await _rig.Admin.PostAsync($"api/nodes/{_nodes[0].Id}/drain?bytesPerSecond=1000000", null, Cancelled)) Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(500_000, (await LimitsAsync()).Single());
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Empty(await LimitsAsync());

        // Another limit holds at once, and is not called the beginning of a drain.
        using (var again = await _rig.Admin.PostAsync($"api/nodes/{_nodes[0].Id}/drain?bytesPerSecond=2000000", null, Cancelled)) Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(1_000_000, (await LimitsAsync()).Single());
        var told = (await _rig.Admin.GetFromJsonAsync<JsonElement>("api/activity", Cancelled)).GetProperty("items").EnumerateArray().Select(static item => item.GetProperty("kind").GetString()).Where(static kind => kind!.StartsWith("drain-", StringComparison.Ordinal));
        Assert.Equal(["drain-limited", "drain-started"], told);

        await AnswerAsync(_nodes[0], _nodes[0].Beat() with { Failed = "its disk is gone" });
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(0, (await LimitsAsync()).Single());

        async Task<List<long>> LimitsAsync()
        {
            var beat = _nodes[2].Beat() with { Pulls = _rig.Get<Fixer>().Running == 0 ? [] : [new PullProgress(new MovieVersion(5), 100, 1000)] };
            return [.. (await AnswerAsync(_nodes[2], beat)).Orders.OfType<PullOrder>().Select(static order => order.BytesPerSecond)];
        }
    }

    [Fact]
    public async Task A_canary_whose_source_fails_at_once_is_not_ordered_again_and_again()
    {
        await StartAsync(2);
        var canary = SpeakingNode.Sealed("canary", 1, Ours).Replica;
        var sick = new ScrubReport(ScrubState.Running, null, 1, 0, 0, 0, 0, 0, 0, 0, 0, canary);
        Assert.Single((await AnswerAsync(_nodes[0], _nodes[0].Beat() with { Scrub = sick })).Orders.OfType<PullOrder>());
        var failed = _nodes[0].Beat() with { Scrub = sick, FailedPulls = [new PullFailure(canary.Version, "connection refused")] };
        Assert.Empty((await AnswerAsync(_nodes[0], failed)).Orders.OfType<PullOrder>());
        _time.Advance(TimeSpan.FromMinutes(61));
        Assert.Single((await AnswerAsync(_nodes[0], _nodes[0].Beat() with { Scrub = sick })).Orders.OfType<PullOrder>());
    }

    [Fact]
    public async Task Prepared_bytes_are_sealed_when_their_upload_was_committed_and_discarded_after_a_day_when_not()
    {
        await StartAsync(2);
        await StoreAsync(5, _nodes[0]);
        var committed = Catalog.Find(Film)!.Replica;
        var lost = UploadId.New();
        PreparedReport[] prepared = [new(committed.Upload, committed.Size, committed.Checksum, 10), new(lost, 5, committed.Checksum, 10)];
        var reply = await AnswerAsync(_nodes[1], _nodes[1].Beat() with { Prepared = prepared });
        Assert.Equal([new SealOrder(committed)], reply.Orders);

        // Searched for once a minute at most: the search walks over all movies.
        reply = await AnswerAsync(_nodes[1], _nodes[1].Beat() with { Prepared = [prepared[1] with { AgeSeconds = 90_000 }] });
        Assert.Empty(reply.Orders);
        await PassAsync(TimeSpan.FromMinutes(1));
        reply = await AnswerAsync(_nodes[1], _nodes[1].Beat() with { Prepared = [prepared[1] with { AgeSeconds = 90_000 }] });
        Assert.Equal([new DiscardOrder(lost)], reply.Orders);

        await PassAsync(TimeSpan.FromMinutes(1));
        _rig.Get<OpenUploads>().Open(lost);
        reply = await AnswerAsync(_nodes[1], _nodes[1].Beat() with { Prepared = [prepared[1] with { AgeSeconds = 90_000 }] });
        Assert.Empty(reply.Orders);
    }

    [Fact]
    public async Task A_node_is_not_called_drained_before_it_has_told_all_that_it_holds()
    {
        await StartAsync(3);
        await StoreAsync(5, _nodes[0], _nodes[1]);
        using (var begun = await _rig.Admin.PostAsync($"api/nodes/{_nodes[0].Id}/drain", null, Cancelled)) Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        await RestartsAsync("second");
        Assert.Equal(("draining", 1000), (await DrainAsync(), _rig.Get<Drains>().BytesToGo));
        Assert.True(_rig.Get<BeatConversation>().TakePage(_nodes[0].Inventory()).Accepted);
        Assert.Equal("draining", await DrainAsync());
        await BeatAsync(_nodes[2], Current());
        Assert.Equal("drained", await DrainAsync());
        await RestartsAsync("third");
        Assert.Equal(("draining", 0), (await DrainAsync(), _rig.Get<Drains>().BytesToGo));

        async Task RestartsAsync(string life)
        {
            _nodes[0] = new SpeakingNode(1, life) { ClusterId = Ours, Epoch = _nodes[0].Epoch };
            _nodes[0].Hold(Current());
            await BeatAsync(_nodes[0]);
        }

        async Task<string?> DrainAsync() => (await _rig.Admin.GetFromJsonAsync<JsonElement>($"api/nodes/{_nodes[0].Id}/drain", Cancelled)).GetProperty("state").GetString();
    }

    private Task<string> MetricsAsync() => _rig.Client.GetStringAsync("/metrics", Cancelled);

    private async Task ShowsAsync(params IEnumerable<string> metrics)
    {
        var told = await MetricsAsync();
        Assert.All(metrics, metric => Assert.Contains($"{metric}\n", told));
    }

    private static IEnumerable<MovieVersion> Deletions(BeatReply reply) => reply.Orders.OfType<DeleteOrder>().Select(order => order.Version);

    private ReplicaReport Current() => new(Catalog.Find(Film)!.Replica, Damaged: false, Verified: true);

    private async Task<List<NodeId>> DeletionsAsync()
    {
        var told = new List<NodeId>();
        foreach (var node in _nodes)
        {
            if (Deletions(await BeatAsync(node)).Any()) told.Add(node.Id);
        }

        return told;
    }

    /// <summary>What has too many copies has had them for longer than the grace.</summary>
    private async Task SurplusAsync()
    {
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
        _time.Advance(TimeSpan.FromMinutes(11));
        await _rig.Get<Fixer>().RunOnceAsync(Cancelled);
    }

    private async Task StartAsync(int count)
    {
        for (var number = 1; number <= count; number++)
        {
            var node = new SpeakingNode(number) { ClusterId = Ours };
            _nodes.Add(node);
            await BeatAsync(node);
            await BeatAsync(node);
            Assert.True(_rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
        }

        for (var i = 0; i < 3; i++) await PassAsync(TimeSpan.FromMinutes(25));
        await Eventually.TrueAsync(
            async () =>
            {
                await _rig.Get<SessionWatch>().RunOnceAsync(Cancelled);
                return !_rig.Get<CatalogSession>().IsUncertain;
            },
            "the cluster is settled", MdfsClient.Patience, Cancelled);
    }

    private Task StoreAsync(long version, params SpeakingNode[] holders) => StoreAsync(version, verified: true, holders);

    private Task StoreAsync(long version, bool verified, params SpeakingNode[] holders) => StoreAsync(version, verified, Film.Value, holders);

    private async Task StoreAsync(long version, bool verified, string film, params SpeakingNode[] holders)
    {
        var report = SpeakingNode.Sealed(film, version, Ours, verified: verified);
        var name = report.Replica.Name;
        using (await _rig.Get<NameLocks>().AcquireAsync(name, Cancelled))
        {
            Assert.True(await _rig.Get<CatalogSession>().ApplyAsync(
                new CatalogChange { Put = [new CatalogEntry(report.Replica, [.. holders.Select(static node => node.Id)])], Highest = report.Replica.Version }, Cancelled));
        }

        _rig.Get<NodeRegistry>().Suspect(name, report.Replica.Version);
        foreach (var node in holders) await BeatAsync(node, report);
    }

    private async Task BuryAsync(long bound)
    {
        var tombstone = new Tombstone(Film, new MovieVersion(bound), _rig.Get<ClusterClock>().Age, _time.GetUtcNow());
        using var held = await _rig.Get<NameLocks>().AcquireAsync(Film, Cancelled);
        var change = new CatalogChange { Bury = [tombstone], Remove = Catalog.Find(Film) is null ? [] : [Film], Highest = tombstone.Bound };
        Assert.True(await _rig.Get<CatalogSession>().ApplyAsync(change, Cancelled));
        _rig.Get<NodeRegistry>().OweTombstones([tombstone]);
    }

    /// <summary>Time passes, and every node has beaten at the end of it.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        foreach (var node in _nodes) await BeatAsync(node);
    }

    private Task<BeatReply> BeatAsync(SpeakingNode node, params IReadOnlyList<ReplicaReport> changed) => AnswerAsync(node, node.Beat(changed));

    private async Task<BeatReply> AnswerAsync(SpeakingNode node, Beat beat)
    {
        var reply = node.Hear(await _rig.Get<BeatConversation>().AnswerAsync(beat, Cancelled));
        _forgotten.AddRange(reply.Forget.Select(tombstone => (node.Id, tombstone.Name)));
        return reply;
    }
}
