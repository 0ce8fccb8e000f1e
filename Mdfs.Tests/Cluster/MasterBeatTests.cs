using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
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

/// <summary>What a master makes of what workers say, word by word, by a clock that the test moves (design, sections 2, 4 and 6).</summary>
public sealed class MasterBeatTests : IAsyncLifetime
{
    private const string Ours = "0123456789abcdef0123456789abcdef";
    private const string Theirs = "ffffffffffffffffffffffffffffffff";
    private static readonly TimeSpan NodeTimeout = TimeSpan.FromSeconds(15);
    private static readonly FileName Film = FileName.Parse("film.mp4");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private MasterRig _rig = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NodeRegistry Registry => _rig.Get<NodeRegistry>();

    private FileCatalog Catalog => _rig.Get<FileCatalog>();

    public async ValueTask InitializeAsync() => _rig = await MasterRig.StartAsync(_time);

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_node_of_another_cluster_is_refused_and_nothing_it_says_is_believed()
    {
        await JoinAsync(Node(1));
        var stranger = new SpeakingNode(2) { ClusterId = Theirs, Epoch = 99, ClusterAge = 1e9 };
        var epoch = _rig.Get<MasterIdentity>().Epoch;
        var reply = await BeatAsync(stranger, stranger.Beat() with { HighestVersion = new MovieVersion(long.MaxValue / 4) });
        Assert.Contains("another cluster", reply.Refused);
        Assert.Equal(epoch, _rig.Get<MasterIdentity>().Epoch);
        Assert.True(_rig.Get<ClusterClock>().Age < 1e6);
        Assert.True(Catalog.Highest.Number < long.MaxValue / 4);
        Assert.Null(Registry.View.Find(stranger.Id));
    }

    [Fact]
    public async Task Of_two_nodes_with_one_name_the_second_is_refused_for_as_long_as_the_first_beats()
    {
        var first = new SpeakingNode(1) { ClusterId = Ours, Name = "attic" };
        var second = new SpeakingNode(2) { ClusterId = Ours, Name = "attic" };
        await JoinAsync(first);
        Assert.Contains("attic", (await BeatAsync(second, second.Beat())).Refused);

        // The first one's disk has died, or is only not mounted: its successor has an empty one and the same name. Which of both it is an admin has to say.
        await SilenceAsync();
        Assert.Contains("mdfs nodes confirm attic", (await BeatAsync(second, second.Beat())).Refused);
        var refused = Assert.Single((await _rig.Admin.GetFromJsonAsync<JsonElement>("api/nodes/refused", Cancelled)).EnumerateArray());
        Assert.Equal((second.Id.Value, first.Id.Value), (refused.GetProperty("id").GetString(), refused.GetProperty("replaces").GetString()));
        using (var nothing = await _rig.Admin.PostAsync($"api/nodes/{first.Id}/confirm", null, Cancelled)) Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
        using (var confirmed = await _rig.Admin.PostAsync($"api/nodes/{second.Id}/confirm", null, Cancelled)) Assert.Equal(HttpStatusCode.NoContent, confirmed.StatusCode);
        Assert.Null((await BeatAsync(second, second.Beat())).Refused);
        Assert.Null(Registry.View.Find(first.Id));
        Assert.Equal(0, (await _rig.Admin.GetFromJsonAsync<JsonElement>("api/nodes/refused", Cancelled)).GetArrayLength());
    }

    [Fact]
    public async Task Of_two_lives_that_beat_side_by_side_the_later_is_refused_with_the_reason()
    {
        var original = Node(1, "original");
        var copy = Node(1, "copy");
        await JoinAsync(original);
        Assert.Null((await BeatAsync(copy, copy.Beat())).Refused);
        Assert.Null((await BeatAsync(original, original.Beat())).Refused);
        Assert.Contains("data directory was copied", (await BeatAsync(copy, copy.Beat())).Refused);
        Assert.Null((await BeatAsync(original, original.Beat())).Refused);
        Assert.False(_rig.Get<BeatConversation>().TakePage(copy.Inventory()).Accepted);
    }

    [Fact]
    public async Task The_last_word_of_an_ended_life_that_arrives_late_does_not_shut_its_successor_out()
    {
        var ended = Node(1, "ended");
        var successor = Node(1, "successor");
        await JoinAsync(ended);
        var late = ended.Beat();
        await BeatAsync(successor, successor.Beat());
        await BeatAsync(ended, late);
        Assert.NotNull((await BeatAsync(successor, successor.Beat())).Refused);

        await SilenceAsync();
        Assert.Null((await BeatAsync(successor, successor.Beat())).Refused);
        Assert.True(Registry.View.Find(successor.Id)!.Alive);
    }

    [Fact]
    public async Task A_node_that_says_goodbye_is_off_the_ring_at_once_and_is_waited_for_one_time_out()
    {
        var node = Node(1, "before");
        await JoinAsync(node, SpeakingNode.Sealed("film.mp4", 5, Ours));
        var late = node.Beat();
        await BeatAsync(node, node.Beat() with { Leaving = true });
        Assert.True(Registry.View.Find(node.Id) is { Alive: false, Expected: true });
        Assert.Equal("stopped", await StateAsync(node));
        Assert.Single(Registry.Replicas.HoldersOf(new MovieVersion(5)));

        // What it said before the goodbye and arrives after it, and a goodbye that is repeated, change nothing.
        await BeatAsync(node, late);
        await BeatAsync(node, node.Beat() with { Leaving = true });
        Assert.True(Registry.View.Find(node.Id) is { Alive: false, Expected: true });

        var again = Node(1, "after");
        await BeatAsync(again, again.Beat());
        Assert.True(Registry.View.Find(node.Id) is { Alive: true, Expected: false });

        await BeatAsync(again, again.Beat() with { Leaving = true });
        await SilenceAsync();
        Assert.True(Registry.View.Find(node.Id) is { Alive: false, Expected: false });
        Assert.Equal("stopped", await StateAsync(node));
    }

    [Fact]
    public async Task A_node_of_another_version_takes_part_and_its_version_is_told()
    {
        var older = Node(1);
        var newer = Node(2);
        await JoinAsync(older);
        Assert.Null((await BeatAsync(newer, newer.Beat() with { Protocol = WireVersion.Current + 1 })).Refused);
        Assert.Equal(WireVersion.Current, (await BeatAsync(older, older.Beat())).Protocol);
        Assert.Contains("upgrade this one", (await FactsAsync(newer)).VersionRemark);
        Assert.Equal((1, WireVersion.Current + 1), ((await FactsAsync(older)).Protocol, (await FactsAsync(newer)).Protocol));
    }

    [Fact]
    public async Task Tombstones_are_owed_until_the_reply_that_carried_them_was_applied()
    {
        var node = Node(1);
        await JoinAsync(node);
        var tombstone = new Tombstone(Film, new MovieVersion(5), 1, _time.GetUtcNow());
        await ApplyAsync(new CatalogChange { Bury = [tombstone], Highest = tombstone.Bound });
        Registry.OweTombstones([tombstone]);

        var lost = await BeatAsync(node, node.Beat(), hears: false);
        Assert.Equal([tombstone], lost.Tombstones);
        Assert.False(lost.Number == node.AppliedReply);
        var again = await BeatAsync(node, node.Beat());
        Assert.Equal([tombstone], again.Tombstones);
        Assert.Empty((await BeatAsync(node, node.Beat())).Tombstones);
    }

    [Fact]
    public async Task A_number_that_another_master_gave_does_not_tick_off_what_this_one_owes()
    {
        var node = Node(1);
        await JoinAsync(node);
        Registry.OweTombstones([new Tombstone(Film, new MovieVersion(5), 1, _time.GetUtcNow())]);
        await BeatAsync(node, node.Beat(), hears: false);
        node.AppliedReply = 1_000_000;
        Assert.Single((await BeatAsync(node, node.Beat(), hears: false)).Tombstones);
    }

    [Fact]
    public async Task What_a_node_holds_counts_from_the_first_beat_that_carries_this_masters_epoch()
    {
        var movie = SpeakingNode.Sealed("film.mp4", 5, Ours);
        var node = Node(1);
        var reply = await BeatAsync(node, node.Beat(movie), hears: false);
        Assert.False(reply.SendInventory);
        Assert.Empty(Registry.Replicas.HoldersOf(new MovieVersion(5)));
        // Taken before the node had obeyed: an order of the master before may have changed it since.
        var early = node.Inventory();

        node.Hear(reply);
        reply = await BeatAsync(node, node.Beat());
        Assert.True(reply.SendInventory);
        Assert.False(_rig.Get<BeatConversation>().TakePage(early).Accepted);
        Assert.True(_rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
        Assert.Single(Registry.Replicas.HoldersOf(new MovieVersion(5)));
        Assert.False((await BeatAsync(node, node.Beat())).SendInventory);
    }

    [Fact]
    public async Task A_beat_that_was_overtaken_changes_nothing()
    {
        var node = Node(1);
        await JoinAsync(node);
        var late = node.Beat(SpeakingNode.Sealed("film.mp4", 5, Ours));
        await BeatAsync(node, node.Beat() with { Changed = [], ReplicaCount = 0, ReplicaDigest = 0 });
        await BeatAsync(node, late);
        Assert.Empty(Registry.Replicas.HoldersOf(new MovieVersion(5)));
    }

    [Fact]
    public async Task An_empty_redis_and_a_worker_that_knows_the_cluster_mean_that_the_catalog_is_being_rebuilt()
    {
        var node = Node(1);
        await BeatAsync(node, node.Beat());
        var session = _rig.Get<CatalogSession>();
        Assert.True(session.IsUncertain);
        Assert.Equal(Ours, _rig.Get<MasterIdentity>().ClusterId);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await _rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);

        await InventoryAsync(node);
        await EndRebuildAsync(node);
        Assert.False(session.IsUncertain);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await _rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);
    }

    [Fact]
    public async Task A_worker_that_knows_a_later_version_than_redis_had_means_that_redis_went_back_however_late_it_comes()
    {
        var node = Node(1);
        await JoinAsync(node, SpeakingNode.Sealed("film.mp4", 5, Ours));
        await EndRebuildAsync(node);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await _rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);

        // Those that hold version 9 have not come yet.
        var late = Node(2);
        await BeatAsync(late, late.Beat() with { HighestVersion = new MovieVersion(9) });
        Assert.True(_rig.Get<CatalogSession>().IsUncertain);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await _rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);

        await InventoryAsync(late);
        await EndRebuildAsync(node, late);
        await BeatAsync(late, late.Beat() with { HighestVersion = new MovieVersion(9) });
        Assert.False(_rig.Get<CatalogSession>().IsUncertain);
    }

    [Fact]
    public async Task What_workers_hold_and_redis_does_not_is_read_at_once_and_written_down_when_no_further_node_comes()
    {
        var node = Node(1);
        await JoinAsync(node, SpeakingNode.Sealed("film.mp4", 5, Ours));
        await SoonAsync(() => Catalog.Find(Film)?.Version.Number == 5, "the movie is known");
        await EndRebuildAsync(node);
        Assert.Equal(5, Catalog.Find(Film)!.Version.Number);
        Assert.Null(_rig.Get<RebuildState>().Reason);
    }

    [Fact]
    public async Task A_movie_that_was_stored_while_the_catalog_was_rebuilt_is_not_taken_back_with_what_was_provisional()
    {
        var node = Node(1);
        await JoinAsync(node, SpeakingNode.Sealed("film.mp4", 5, Ours));
        await SoonAsync(() => Catalog.Find(Film)?.Version.Number == 5, "the movie is known");
        var stored = SpeakingNode.Sealed("film.mp4", 9, Ours).Replica;
        await ApplyAsync(new CatalogChange { Put = [new CatalogEntry(stored, [NodeId.New()])], Highest = stored.Version });
        await EndRebuildAsync(node);
        Assert.Equal(9, Catalog.Find(Film)!.Version.Number);
    }

    [Fact]
    public async Task A_movie_that_was_taken_over_before_its_node_was_known_to_have_been_away_too_long_goes_to_quarantine_after_the_rebuilding()
    {
        var away = Node(1);
        await JoinAsync(away, SpeakingNode.Sealed("film.mp4", 5, Ours));
        await SoonAsync(() => Catalog.Find(Film) is not null, "the movie is known");
        // It is a copy of what the catalog names by now: nothing to suspect.
        Assert.Empty((await BeatAsync(away, away.Beat())).Orders);

        var witness = Node(2);
        witness.ClusterAge = witness.SettledAge = TimeSpan.FromDays(40).TotalSeconds;
        await JoinAsync(witness);
        await EndRebuildAsync(witness, away);
        Assert.Null(Catalog.Find(Film));
        var reply = await BeatAsync(away, away.Beat());
        Assert.Equal(new MovieVersion(5), Assert.Single(reply.Orders.OfType<QuarantineOrder>()).Version);
        Assert.False(reply.Settled);
        Assert.Equal(0, away.SettledAge);
    }

    [Fact]
    public async Task A_tombstone_that_a_worker_brings_beats_the_replica_that_another_one_brings()
    {
        var holder = Node(1);
        var witness = Node(2);
        await JoinAsync(holder, SpeakingNode.Sealed("film.mp4", 5, Ours));
        await SoonAsync(() => Catalog.Find(Film) is not null, "the movie is known");
        await BeatAsync(witness, witness.Beat());
        await BeatAsync(witness, witness.Beat());
        Assert.True(_rig.Get<BeatConversation>().TakePage(witness.Inventory(new Tombstone(Film, new MovieVersion(6), 1, _time.GetUtcNow()))).Accepted);
        await SoonAsync(() => Catalog.Find(Film) is null && Catalog.FindTombstone(Film) is not null, "the movie is buried");
        var reply = await BeatAsync(holder, holder.Beat());
        Assert.Equal([new DeleteOrder(new MovieVersion(5), "deleted", Keep: true)], reply.Orders);
        Assert.False(reply.Settled);
        Assert.Contains(reply.Tombstones, tombstone => tombstone.Name == Film);
    }

    [Fact]
    public async Task Before_the_cluster_has_a_name_nobodys_replicas_are_called_foreign()
    {
        var node = new SpeakingNode(1);
        await BeatAsync(node, node.Beat(), hears: false);
        Assert.Empty(_rig.Get<MasterIdentity>().ClusterId);
        node.Epoch = _rig.Get<MasterIdentity>().Epoch;
        await BeatAsync(node, node.Beat(SpeakingNode.Sealed("film.mp4", 5, Ours)));
        _rig.Get<BeatConversation>().TakePage(node.Inventory());
        Assert.Empty((await BeatAsync(node, node.Beat())).Orders);
    }

    [Fact]
    public async Task A_replica_whose_name_is_being_committed_is_not_quarantined_although_its_node_is_new_in_an_old_cluster()
    {
        _rig.Get<ClusterClock>().Hear(TimeSpan.FromDays(400).TotalSeconds);
        var node = Node(1);
        // The cluster knew its name, and everything is settled but this node.
        await JoinAsync(node);
        await EndRebuildAsync(node);
        var newcomer = Node(2);
        await JoinAsync(newcomer);
        newcomer.SettledAge = 0;

        using (await _rig.Get<NameLocks>().AcquireAsync(Film, Cancelled))
        {
            var reply = await BeatAsync(newcomer, newcomer.Beat(SpeakingNode.Sealed("film.mp4", 5, Ours)), hears: false);
            Assert.Empty(reply.Orders);
            Assert.False(reply.Settled);
        }

        // Nobody committed it: then it is what a node brings that was away too long. Asked again, since whoever compares reports with the catalog may hold the name for a moment too.
        await Eventually.TrueAsync(
            async () => (await BeatAsync(newcomer, newcomer.Beat(), hears: false)).Orders.Any(order => order is QuarantineOrder), "it is put aside", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task While_the_catalog_is_rebuilt_nothing_goes_to_quarantine_or_is_discarded_for_not_being_in_it()
    {
        // Nobody of those who have come knows of the movie, nor of the upload that ended in it.
        var witness = Node(2);
        witness.ClusterAge = witness.SettledAge = TimeSpan.FromDays(40).TotalSeconds;
        await JoinAsync(witness);
        var movie = SpeakingNode.Sealed("film.mp4", 5, Ours);
        PreparedReport[] prepared = [new(movie.Replica.Upload, movie.Replica.Size, movie.Replica.Checksum, 90_000), new(UploadId.New(), 5, movie.Replica.Checksum, 90_000)];
        var late = Node(3);
        Assert.Empty((await BeatAsync(late, late.Beat() with { Prepared = prepared })).Orders);
        var away = Node(1);
        await JoinAsync(away, movie);
        var reply = await BeatAsync(away, away.Beat());
        Assert.Empty(reply.Orders);
        Assert.False(reply.Settled);

        var holder = Node(4);
        holder.ClusterAge = holder.SettledAge = witness.ClusterAge;
        await JoinAsync(holder, movie);
        await EndRebuildAsync(witness, away, holder, late);
        Assert.Equal(5, Catalog.Find(Film)?.Version.Number);
        Assert.Empty((await BeatAsync(away, away.Beat())).Orders);
        _time.Advance(TimeSpan.FromMinutes(2));
        reply = await BeatAsync(late, late.Beat() with { Prepared = prepared });
        Assert.Equal([new SealOrder(movie.Replica), new DiscardOrder(prepared[1].Upload)], reply.Orders);
    }

    [Fact]
    public async Task A_node_that_comes_back_and_still_calls_itself_draining_is_not_believed_by_a_master_that_knows_better()
    {
        var node = Node(1);
        var other = Node(2);
        await JoinAsync(node);
        await JoinAsync(other);
        await EndRebuildAsync(node, other);
        Assert.True(await _rig.Get<Drains>().SetAsync(node.Id, true, Cancelled));
        Assert.True((await BeatAsync(node, node.Beat())).Draining);
        await SilenceAsync(other);
        using (var ended = await _rig.Admin.DeleteAsync($"api/nodes/{node.Id}/drain", Cancelled)) Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        var again = Node(1, "second");
        Assert.False((await BeatAsync(again, again.Beat() with { Draining = true })).Draining);
        Assert.False(Registry.View.Find(again.Id)!.Draining);

        // Of one that nobody here knows it alone can say so.
        var unknown = Node(3);
        Assert.True((await BeatAsync(unknown, unknown.Beat() with { Draining = true })).Draining);
    }

    [Fact]
    public async Task A_drain_that_redis_has_forgotten_is_believed_of_the_node_for_as_long_as_the_catalog_is_rebuilt()
    {
        var node = Node(1);
        await JoinAsync(node);
        var again = Node(1, "second");
        Assert.True((await BeatAsync(again, again.Beat() with { Draining = true })).Draining);
    }

    [Fact]
    public async Task A_node_is_not_forgotten_without_force_while_all_other_copies_are_damaged_or_on_silent_nodes()
    {
        var node = Node(1);
        var other = Node(2);
        var silent = Node(3);
        var movie = SpeakingNode.Sealed("film.mp4", 5, Ours);
        foreach (var holder in new[] { node, other, silent }) await JoinAsync(holder, movie);
        await EndRebuildAsync(node, other, silent);
        await BeatAsync(other, other.Beat(movie with { Damaged = true }));
        await SilenceAsync(other);
        using (var refused = await _rig.Admin.DeleteAsync($"api/nodes/{node.Id}", Cancelled))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("last-copies", await refused.Content.ReadAsStringAsync(Cancelled));
        }

        await BeatAsync(other, other.Beat(movie));
        using var forgotten = await _rig.Admin.DeleteAsync($"api/nodes/{node.Id}", Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, forgotten.StatusCode);
    }

    [Fact]
    public async Task A_silent_node_sends_and_copies_nothing_whatever_it_said_last()
    {
        var node = Node(1);
        var other = Node(2);
        foreach (var one in new[] { node, other }) await JoinAsync(one);
        await BeatAsync(node, node.Beat() with { Streams = 3, Pulls = [new PullProgress(new MovieVersion(6), 1, 2)] });
        Assert.Equal((3, 1, 2L), await NowAsync());
        await SilenceAsync(other);
        Assert.Equal((0, 0, 0L), await NowAsync());

        async Task<(int, int, long)> NowAsync()
        {
            var facts = await FactsAsync(node);
            return (facts.Streams, facts.Pulls, facts.PullBytes);
        }
    }

    [Fact]
    public async Task An_entry_that_nobody_has_yields_when_the_last_node_has_reported()
    {
        var holder = Node(1);
        var other = Node(2);
        var lost = SpeakingNode.Sealed("film.mp4", 9, Ours).Replica;
        await JoinAsync(other);
        await ApplyAsync(new CatalogChange { Put = [new CatalogEntry(lost, [holder.Id, other.Id])], Highest = lost.Version });
        await BeatAsync(holder, holder.Beat(SpeakingNode.Sealed("film.mp4", 5, Ours)));
        await BeatAsync(holder, holder.Beat());
        // One of the two may still bring it.
        var returned = Node(2, "second");
        await BeatAsync(returned, returned.Beat());
        Assert.True(_rig.Get<BeatConversation>().TakePage(holder.Inventory()).Accepted);
        await SoonAsync(() => _rig.Get<Adoption>().IsIdle, "the report was compared");
        Assert.Equal(9, Catalog.Find(Film)!.Version.Number);

        await InventoryAsync(returned);
        _time.Advance(NodeTimeout);
        await BeatAsync(returned, returned.Beat());
        await BeatAsync(holder, holder.Beat());
        await SoonAsync(() => Catalog.Find(Film)?.Version.Number == 5, "the older version took its place");
        await ShowsAsync("mdfs_versions_lost_total", "1");
        var told = Assert.Single(await ActivityAsync("version-lost"));
        Assert.Equal(("film.mp4", "version 9 is lost, 5 took its place"), (told.GetProperty("name").GetString(), told.GetProperty("detail").GetString()));
    }

    [Fact]
    public async Task A_node_that_closes_itself_since_its_disk_is_dying_is_told_of_for_as_long_as_it_is_closed()
    {
        const string dying = "More than 5 replicas were found damaged within an hour: check the disk of this node, then restart it.";
        var node = Node(1);
        await JoinAsync(node);
        var closed = $"mdfs_node_closed{{node=\"{node.Address}\"}}";
        await ShowsAsync(closed, "0");
        await BeatAsync(node, node.Beat() with { ClosedForWrites = dying });
        await BeatAsync(node, node.Beat() with { ClosedForWrites = dying });
        await ShowsAsync(closed, "1");
        var told = Assert.Single(await ActivityAsync("node-closed"));
        Assert.Equal((node.Address, dying), (told.GetProperty("node").GetString(), told.GetProperty("detail").GetString()));

        // Out because of its directory is more than closed, and said in its own way.
        const string gone = "The data directory is gone.";
        await BeatAsync(node, node.Beat() with { ClosedForWrites = gone, Failed = gone });
        await ShowsAsync(closed, "0");
        await BeatAsync(node, node.Beat());
        await ShowsAsync(closed, "0");
        Assert.Empty(await ActivityAsync("node-reopened"));
        await BeatAsync(node, node.Beat() with { ClosedForWrites = dying });
        await BeatAsync(node, node.Beat());
        Assert.Single(await ActivityAsync("node-reopened"));
        Assert.Equal(2, (await ActivityAsync("node-closed")).Count);
    }

    [Fact]
    public async Task A_settled_node_is_told_so_and_one_with_something_to_bury_is_not()
    {
        var node = Node(1);
        await JoinAsync(node);
        await EndRebuildAsync(node);
        Assert.True((await BeatAsync(node, node.Beat())).Settled);
        var tombstone = new Tombstone(Film, new MovieVersion(7), 1, _time.GetUtcNow());
        await ApplyAsync(new CatalogChange { Bury = [tombstone], Highest = tombstone.Bound });
        var reply = await BeatAsync(node, node.Beat(SpeakingNode.Sealed("film.mp4", 5, Ours)));
        Assert.Contains(reply.Orders, order => order is DeleteOrder);
        Assert.False(reply.Settled);
    }

    [Fact]
    public async Task Copies_of_one_version_share_one_description_in_memory()
    {
        var report = SpeakingNode.Sealed("film.mp4", 5, Ours);
        await ApplyAsync(new CatalogChange { Put = [new CatalogEntry(report.Replica, [])], Highest = report.Replica.Version });
        var node = Node(1);
        await JoinAsync(node, report with { Replica = report.Replica with { Name = FileName.Parse("film.mp4") } });
        lock (Registry.Gate) Assert.Same(Catalog.Find(Film)!.Replica, Registry.Find(node.Id)!.Inventory.Find(new MovieVersion(5))!.Replica);
    }

    private Task ShowsAsync(string metric, string value) => Eventually.TrueAsync(
        async () => (await _rig.Client.GetStringAsync("metrics", Cancelled)).Split('\n').Any(line => line.Split(' ') is [var name, var told, ..] && name == metric && told == value),
        $"{metric} is {value}", MdfsClient.Patience, Cancelled);

    private async Task<List<JsonElement>> ActivityAsync(string kind) =>
        [.. (await _rig.Admin.GetFromJsonAsync<JsonElement>($"/api/activity?kind={kind}", Cancelled)).GetProperty("items").EnumerateArray()];

    private async Task<NodeFacts> FactsAsync(SpeakingNode node) =>
        (await _rig.Admin.GetFromJsonAsync<List<NodeFacts>>("/api/nodes", Cancelled))!.Single(one => one.Id == node.Id.Value);

    private async Task<string> StateAsync(SpeakingNode node) => (await FactsAsync(node)).State;

    private static SpeakingNode Node(int number, string life = "first") => new(number, life) { ClusterId = Ours };

    private static Task SoonAsync(Func<bool> condition, string what) => Eventually.TrueAsync(condition, what, MdfsClient.Patience, Cancelled);

    private async Task<BeatReply> BeatAsync(SpeakingNode node, Beat beat, bool hears = true)
    {
        var reply = await _rig.Get<BeatConversation>().AnswerAsync(beat, Cancelled);
        return hears ? node.Hear(reply) : reply;
    }

    private async Task InventoryAsync(SpeakingNode node)
    {
        await BeatAsync(node, node.Beat());
        Assert.True(_rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
    }

    private async Task JoinAsync(SpeakingNode node, params IReadOnlyList<ReplicaReport> held)
    {
        node.Hold(held);
        await BeatAsync(node, node.Beat());
        await InventoryAsync(node);
        await BeatAsync(node, node.Beat());
    }

    /// <summary>A period passes in which nobody but these nodes is heard.</summary>
    private async Task SilenceAsync(params SpeakingNode[] others)
    {
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(NodeTimeout / 3);
            foreach (var node in others) await BeatAsync(node, node.Beat());
            Registry.DropSilent();
        }
    }

    private async Task EndRebuildAsync(params SpeakingNode[] beat)
    {
        await SilenceAsync(beat);
        await Eventually.TrueAsync(
            async () =>
            {
                await _rig.Get<SessionWatch>().RunOnceAsync(Cancelled);
                // A name that was busy is looked at again after a pause of this clock.
                _time.Advance(TimeSpan.FromSeconds(1));
                return !_rig.Get<CatalogSession>().IsUncertain && !_rig.Get<RebuildState>().BeganEmpty;
            },
            "the rebuilding ends", TimeSpan.FromMinutes(1), Cancelled);
    }

    private async Task ApplyAsync(CatalogChange change)
    {
        using var held = await _rig.Get<NameLocks>().AcquireAsync(Film, Cancelled);
        Assert.True(await _rig.Get<CatalogSession>().ApplyAsync(change, Cancelled));
    }
}
