using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

public sealed class WorkerBeatTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly byte[] _movie = WorkerNode.Movie(1000);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_beat_registers_and_changes_are_said_until_they_are_acknowledged()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        master.Acknowledges = false;
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var first = await master.WaitForBeatAsync(static _ => true, "a first beat");
        Assert.Equal((node.Id, node.Address, 0L), (first.Node, first.Address, first.ReplicaCount));

        var replica = await node.StoreAsync(_movie);
        bool Tells(Beat beat) => beat.Changed.Any(report => report.Replica == replica);
        await Eventually.TrueAsync(() => master.Beats.Count(Tells) >= 2, "the change is repeated", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(InventoryDigest.Of(new ReplicaReport(replica, false, true)), master.Beats.Last(Tells).ReplicaDigest);
        master.Acknowledges = true;
        await Eventually.TrueAsync(() => master.Beats[^1] is { Changed.Count: 0, ReplicaCount: 1 }, "the change is not said again", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var numbers = master.Beats.Select(beat => beat.Number).ToList();
        Assert.Equal(numbers.Order().Distinct(), numbers);
    }

    [Fact]
    public async Task A_worker_that_is_told_to_stop_says_goodbye_as_its_last_word()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using (await WorkerNode.StartAsync(_directory.Path, master.Address))
        {
            await master.WaitForBeatAsync(static _ => true, "a first beat");
            Assert.DoesNotContain(master.Beats, static beat => beat.Leaving);
        }

        Assert.True(master.Beats[^1].Leaving);
        Assert.Equal(WireVersion.Current, master.Beats[^1].Protocol);
    }

    [Fact]
    public async Task A_worker_whose_data_directory_is_gone_says_so()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        await node.StoreAsync(_movie);
        using (node.WithoutDirectory())
        {
            var told = await master.WaitForBeatAsync(static beat => beat.Failed is not null, "it says what is wrong");
            Assert.Contains("Is its disk mounted?", told.Failed);
            Assert.Equal((0, 0, _movie.Length), (told.Space.Free, told.Space.DiskFree, told.Space.Used));
        }

        await Eventually.TrueAsync(() => master.Beats[^1] is { Failed: null, Space.Free: > 0 }, "it is as it was", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_worker_whose_data_directory_is_gone_stops_all_the_same()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        await master.WaitForBeatAsync(static beat => beat.ClusterAge == 100, "it knows how old the cluster is");
        master.Answer(static reply => reply with { ClusterAge = 130 });
        await master.WaitForBeatAsync(static beat => beat.ClusterAge == 130, "it has become older, which is not on disk yet");
        using (node.WithoutDirectory()) await node.DisposeAsync();
    }

    [Fact]
    public async Task Orders_are_carried_out_although_what_else_was_heard_cannot_be_written_down()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var replica = await node.StoreAsync(_movie);
        await master.WaitForBeatAsync(static beat => beat.ClusterAge == 100 && beat.ReplicaCount == 1, "it is told, and what was heard is written down");
        var unwritable = _directory["node.json.tmp"];
        Directory.CreateDirectory(unwritable);
        master.Answer(reply => reply with { HighestVersion = new MovieVersion(long.MaxValue / 2), Orders = [new DeleteOrder(replica.Version, "surplus")] });
        await Eventually.TrueAsync(() => !File.Exists(node.ReplicaPath(replica.Version)), "its bytes are gone", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Directory.Delete(unwritable);
    }

    [Fact]
    public async Task A_worker_stops_in_time_although_no_master_hears_its_goodbye()
    {
        var node = await WorkerNode.StartAsync(_directory.Path);
        var began = TimeProvider.System.GetTimestamp();
        await node.DisposeAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task The_whole_inventory_comes_in_pages_when_asked_for_tombstones_first()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var replica = await node.StoreAsync(_movie, "kept.mp4");
        var told = Enumerable.Range(0, 1500).Select(i => new Tombstone(Protocol.Names.FileName.Parse($"{i}.mp4"), new MovieVersion(5), 1, DateTimeOffset.UnixEpoch)).ToList();
        master.Answer(reply => reply with { Tombstones = told });
        await Eventually.TrueAsync(() => node.Services.GetRequiredService<Inventory>().IsDeleted(told[^1].Name, new MovieVersion(5)), "remembered", MdfsClient.Patience, TestContext.Current.CancellationToken);
        master.Answer(reply => reply with { SendInventory = true });
        await Eventually.TrueAsync(() => master.Pages.Any(page => page.Last), "the last page", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var pages = master.Pages;
        Assert.Equal([0, 1], pages.Select(page => page.Page));
        Assert.Equal([1000, 500], pages.Select(page => page.Tombstones.Count));
        Assert.Empty(pages[0].Replicas);
        Assert.Equal([replica], pages[1].Replicas.Select(report => report.Replica));
        Assert.Single(pages.Select(page => page.Number).Distinct());
    }

    [Fact]
    public async Task A_tombstone_in_a_reply_removes_the_bytes_and_is_told_as_applied()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var replica = await node.StoreAsync(_movie);
        await master.WaitForBeatAsync(beat => beat.ReplicaCount == 1, "the replica is told");
        master.Answer(reply => reply with { Tombstones = [new Tombstone(replica.Name, replica.Version, 1, DateTimeOffset.UnixEpoch)] });
        await master.WaitForBeatAsync(beat => beat.Removed.Contains(replica.Version), "the removal is told");
        using var response = await node.Master.PeerWindowAsync(replica.Version, 0, 1);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.True(master.Beats[^1].AppliedReply > 0);
    }

    [Fact]
    public async Task Orders_to_seal_delete_quarantine_and_discard_are_carried_out()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var committed = WorkerNode.Describe(_movie, "a.mp4");
        await node.PrepareAsync(_movie, committed.Upload);
        var abandoned = UploadId.New();
        await node.PrepareAsync(_movie, abandoned);
        var deleted = await node.StoreAsync(_movie, "b.mp4");
        var aside = await node.StoreAsync(_movie, "c.mp4");
        await master.WaitForBeatAsync(beat => beat.Prepared.Count == 2 && beat.ReplicaCount == 2, "everything is told");
        master.Answer(reply => reply with
        {
            Orders = [new SealOrder(committed), new DiscardOrder(abandoned), new DeleteOrder(deleted.Version, "surplus"), new QuarantineOrder(aside.Version, "strange")],
        });
        await master.WaitForBeatAsync(beat => beat.Prepared.Count == 0 && beat.ReplicaCount == 1, "all of it is done");
        Assert.Equal(_movie, await node.Master.BytesAsync(committed.Version, 0, _movie.Length));
        Assert.Single(Directory.GetDirectories(_directory["quarantine"]));
    }

    [Theory]
    [InlineData(5, 1)]
    [InlineData(11, 2)]
    public async Task An_order_to_remove_bytes_is_good_for_ten_seconds_from_the_beat_that_it_answers(int seconds, long left)
    {
        var clock = new JumpingClock();
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address, time: clock);
        var replica = await node.StoreAsync(_movie);
        var committed = WorkerNode.Describe(_movie, "b.mp4");
        await node.PrepareAsync(_movie, committed.Upload);
        var before = await master.WaitForBeatAsync(beat => beat.Prepared.Count == 1 && beat.ReplicaCount == 1, "everything is told");
        master.BeforeAnswer = () => clock.Jump(TimeSpan.FromSeconds(seconds));
        // Carried out one after the other: when the second has been, the first has been too, or has not.
        master.Answer(reply => reply with { Orders = [new DeleteOrder(replica.Version, "surplus"), new SealOrder(committed)] });
        var after = await master.WaitForBeatAsync(beat => beat.Number > before.Number && beat.Prepared.Count == 0, "the orders were carried out");
        Assert.Equal(left, after.ReplicaCount);
    }

    [Fact]
    public async Task An_idle_beat_does_not_grow_with_what_the_worker_holds()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        // Or it would read what only the inventory has, and have much to tell.
        await Eventually.TrueAsync(() => node.Services.GetRequiredService<Scrubber>().Report() is { State: ScrubState.Resting, Cycle: 1 }, "the first round is over", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var inventory = node.Services.GetRequiredService<Inventory>();
        for (var number = 0; number < 100_000; number++) inventory.Put(new ReplicaReport(WorkerNode.Describe([], $"a movie with number {number}.mp4"), false, true));
        inventory.Acknowledge(inventory.Beat().Number);
        var beat = node.Services.GetRequiredService<BeatBuilder>().Build(node.Address, 0, leaving: false);
        Assert.Equal(100_000, beat.ReplicaCount);
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(beat, WireJson.Default.Beat).Length, 1, 2048);
    }

    [Fact]
    public async Task A_reply_that_is_not_signed_for_this_beat_is_not_obeyed()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        var replica = await node.StoreAsync(_movie);
        master.SigningKey = "the-secret-of-nobody-here";
        master.Answer(reply => reply with { Orders = [new DeleteOrder(replica.Version, "forged")] });
        var before = master.Beats.Count;
        await Eventually.TrueAsync(() => master.Beats.Count > before + 3, "more beats", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
    }

    [Fact]
    public async Task An_old_master_is_not_obeyed_by_reply_or_token_and_a_new_one_is_on_disk_first()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        master.Epoch = 5;
        await using (var node = await WorkerNode.StartAsync(_directory.Path, master.Address))
        {
            await master.WaitForBeatAsync(beat => beat.Epoch == 5, "the epoch is obeyed");
            node.Master.Epoch = 5;
            var replica = await node.StoreAsync(_movie);
            node.Master.Epoch = 4;
            using (var stale = await node.Master.OpenAsync(UploadId.New(), 1))
                Assert.Equal(NodeRefusal.StaleEpoch, (await MasterVoice.RefusalAsync(stale, HttpStatusCode.Conflict)).Code);
            master.Epoch = 4;
            master.Answer(reply => reply with { Orders = [new DeleteOrder(replica.Version, "an old master's wish")] });
            var before = master.Beats.Count;
            await Eventually.TrueAsync(() => master.Beats.Count > before + 3, "more beats", MdfsClient.Patience, TestContext.Current.CancellationToken);
            node.Master.Epoch = 6;
            (await node.Master.OpenAsync(UploadId.New(), 1)).Dispose();
            Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
        }

        await using var again = await WorkerNode.StartAsync(_directory.Path);
        again.Master.Epoch = 5;
        using var refused = await again.Master.OpenAsync(UploadId.New(), 1);
        Assert.Equal(NodeRefusal.StaleEpoch, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.Conflict)).Code);
    }

    [Fact]
    public async Task The_master_of_another_cluster_is_not_obeyed()
    {
        await using var own = await WorkerMasterDouble.StartAsync();
        await using (await WorkerNode.StartAsync(_directory.Path, own.Address)) await own.WaitForBeatAsync(static beat => beat.ClusterId is not null, "joined");
        await using var other = await WorkerMasterDouble.StartAsync();
        other.ClusterId = "another";
        other.Epoch = 9;
        await using var node = await WorkerNode.StartAsync(_directory.Path, other.Address);
        await Eventually.TrueAsync(() => other.Beats.Count > 3, "beats", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.All(other.Beats, beat => Assert.Equal((WorkerNode.ClusterId, 1L), (beat.ClusterId, beat.Epoch)));
    }

    [Fact]
    public async Task A_refused_node_obeys_nothing_and_says_so()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        master.Refused = "another life of this node is here";
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        await Eventually.TrueAsync(async () => (await client.GetStringOrErrorAsync("/health")).Contains("another life"), "health says so", MdfsClient.Patience, TestContext.Current.CancellationToken);
        using (var refused = await node.Master.OpenAsync(UploadId.New(), 1)) Assert.Equal(NodeRefusal.Closed, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.Conflict)).Code);
        master.Refused = null;
        await Eventually.TrueAsync(async () => await client.GetStringOrErrorAsync("/health") == "OK", "taken back", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_clock_that_is_off_is_set_by_the_masters_signed_time()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        master.ClockAhead = 3_600_000;
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        await master.WaitForBeatAsync(static _ => true, "a beat is accepted");
        Assert.Equal(1, master.Unauthorized);
        using var late = await node.Master.OpenAsync(UploadId.New(), 1);
        Assert.Equal(HttpStatusCode.Unauthorized, late.StatusCode);
    }

    [Fact]
    public async Task A_dead_master_is_left_for_the_next_address()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, "http://127.0.0.1:9", new() { ["services:master:http:1"] = master.Address });
        await master.WaitForBeatAsync(static _ => true, "a beat at the second address");
    }

    [Fact]
    public async Task Damage_is_told_at_once_and_a_beat_can_be_asked_for()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address, new() { ["Mdfs:Worker:HeartbeatInterval"] = "00:01:00" });
        await master.WaitForBeatAsync(static _ => true, "the first beat");
        var replica = await node.StoreAsync(_movie);
        using (var asked = await node.Master.SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.BeatNow)) Assert.Equal(HttpStatusCode.Accepted, asked.StatusCode);
        await master.WaitForBeatAsync(beat => beat.ReplicaCount == 1, "the beat that was asked for");
        BitRot.Flip(node.ReplicaPath(replica.Version), 5);
        (await node.Master.WindowAsync(replica.Version, 0, 10)).Dispose();
        await master.WaitForBeatAsync(beat => beat.Changed.Any(report => report.Damaged), "damage is told");
    }
}

internal static class WorkerHttp
{
    public static async Task<string> GetStringOrErrorAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
