using System.Net;
using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

public sealed class WorkerUploadTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private string[] Incoming => [.. Directory.EnumerateFiles(_directory["incoming"])];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(3_000_001)]
    public async Task An_upload_of_any_size_is_prepared_sealed_and_read_back(int size)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(size);
        var replica = WorkerNode.Describe(movie, "日本 \"x\".mp4");
        var prepared = await node.PrepareAsync(movie, replica.Upload);
        Assert.Equal((movie.Length, Checksum.Of(movie)), (prepared.Size, prepared.Checksum));
        using (var early = await node.Master.WindowAsync(replica.Version, 0, 0)) Assert.Equal(HttpStatusCode.NotFound, early.StatusCode);

        var receipt = await node.Master.SealAsync(replica);
        Assert.True(receipt.Number > prepared.Number);
        Assert.Equal(new ReplicaReport(replica, false, true), receipt.Report);
        Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.Empty(Incoming);
        var sidecar = await File.ReadAllLinesAsync(node.ReplicaPath(replica.Version) + ".checksum", TestContext.Current.CancellationToken);
        Assert.Equal(replica.Checksum.ToString(), sidecar[0]);
    }

    [Fact]
    public async Task An_order_that_grew_too_old_while_a_seal_was_tried_takes_nothing_away()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = WorkerNode.Describe(WorkerNode.Movie(2_000), "a.mp4");
        await node.PrepareAsync(WorkerNode.Movie(2_000), replica.Upload);
        var uploads = node.Services.GetRequiredService<UploadStore>();
        var slot = uploads.TakePrepared(replica.Upload)!;
        var expired = false;
        var discarded = uploads.DiscardAsync(replica.Upload, () => expired);
        Assert.False(discarded.IsCompleted);
        expired = true;
        UploadStore.GiveBack(slot);
        await discarded;
        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
    }

    [Fact]
    public async Task At_every_instant_it_is_told_of_as_prepared_or_as_sealed_and_never_as_neither()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var inventory = node.Services.GetRequiredService<Inventory>();
        var movie = WorkerNode.Movie(1);
        var prepared = Enumerable.Range(0, 50).Select(number => WorkerNode.Describe(movie, $"{number}.mp4")).ToList();
        foreach (var replica in prepared) await node.PrepareAsync(movie, replica.Upload);
        using var over = new CancellationTokenSource();
        var beats = Task.Run(() =>
        {
            var fewest = int.MaxValue;
            while (!over.IsCancellationRequested)
            {
                var beat = inventory.Beat();
                fewest = Math.Min(fewest, (int)beat.Count + beat.Prepared.Count);
                // Others wait for this processor.
                Thread.Yield();
            }

            return fewest;
        }, TestContext.Current.CancellationToken);
        foreach (var replica in prepared) await node.Master.SealAsync(replica);
        await over.CancelAsync();
        Assert.Equal(prepared.Count, await beats);
    }

    [Fact]
    public async Task On_a_full_disk_it_is_sealed_in_the_room_that_was_kept_for_that()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that is always full (/dev/full).");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(100_000);
        var replica = WorkerNode.Describe(movie, "a.mp4");
        await node.PrepareAsync(movie, replica.Upload);
        var sidecar = node.ReplicaPath(replica.Version) + ".checksum.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(sidecar)!);
        File.CreateSymbolicLink(sidecar, "/dev/full");

        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
        Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task Sealing_twice_is_the_same_as_once()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(WorkerNode.Movie(100_000));
        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
    }

    [Fact]
    public async Task A_seal_that_disagrees_with_the_prepared_bytes_is_refused_and_the_bytes_stay()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(100_000);
        var replica = WorkerNode.Describe(movie, "a.mp4");
        await node.PrepareAsync(movie, replica.Upload);
        using (var wrong = await node.Master.TrySealAsync(replica with { Checksum = new Checksum(1) }))
            Assert.Equal(NodeRefusal.Conflict, (await MasterVoice.RefusalAsync(wrong, HttpStatusCode.Conflict)).Code);
        using (var wrong = await node.Master.TrySealAsync(replica with { Size = 5 }))
            Assert.Equal(NodeRefusal.Conflict, (await MasterVoice.RefusalAsync(wrong, HttpStatusCode.Conflict)).Code);
        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
    }

    [Fact]
    public async Task A_seal_of_what_was_never_prepared_is_unknown()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        using var response = await node.Master.TrySealAsync(WorkerNode.Describe([], "a.mp4"));
        Assert.Equal(NodeRefusal.Unknown, (await MasterVoice.RefusalAsync(response, HttpStatusCode.NotFound)).Code);
    }

    [Fact]
    public async Task Bytes_without_an_opening_are_refused_and_nothing_is_written()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        using var response = await node.Master.PutAsync(UploadId.New(), new ByteArrayContent([1, 2, 3]));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task An_upload_that_is_opened_and_never_begun_is_gone_after_a_while_although_nobody_opens_another()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await WorkerNode.StartAsync(_directory.Path, time: time);
        using (var opened = await node.Master.OpenAsync(UploadId.New(), 100)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        time.Advance(TimeSpan.FromSeconds(100));
        Assert.Single(Incoming);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(10));
                return Incoming.Length == 0;
            },
            "nothing is left of it", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(99)]
    [InlineData(101)]
    public async Task Another_length_than_opened_is_refused_and_nothing_stays(int sent)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var upload = UploadId.New();
        (await node.Master.OpenAsync(upload, 100)).Dispose();
        // Chunked, so that only the bytes themselves tell.
        using var response = await node.Master.PutAsync(upload, new StreamContent(new Unsized(WorkerNode.Movie(sent))));
        Assert.Equal(NodeRefusal.Conflict, (await MasterVoice.RefusalAsync(response, HttpStatusCode.Conflict)).Code);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task An_upload_of_unknown_length_is_taken()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(20_000_000);
        var replica = WorkerNode.Describe(movie, "a.mkv");
        (await node.Master.OpenAsync(replica.Upload, null)).Dispose();
        using var response = await node.Master.PutAsync(replica.Upload, new StreamContent(new Unsized(movie)));
        Assert.Equal(movie.Length, (await MasterVoice.ReadAsync(response, WireJson.Default.PreparedReceipt)).Size);
        await node.Master.SealAsync(replica);
        Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task A_sender_that_breaks_off_leaves_nothing_and_gives_its_space_back()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:Worker:Capacity"] = "1000000" });
        var upload = UploadId.New();
        (await node.Master.OpenAsync(upload, 900_000)).Dispose();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => node.Master.PutAsync(upload, new Breaking(900_000, 300_000)));
        await Eventually.TrueAsync(() => Incoming.Length == 0, "the part is gone", MdfsClient.Patience, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => (await node.Master.OpenAsync(UploadId.New(), 900_000)).StatusCode == HttpStatusCode.NoContent,
            "the space is free again", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Two_uploads_are_never_promised_the_same_room()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:Worker:Capacity"] = "1000000" });
        var first = UploadId.New();
        (await node.Master.OpenAsync(first, 600_000)).Dispose();
        using (var second = await node.Master.OpenAsync(UploadId.New(), 600_000))
            Assert.Equal(NodeRefusal.Full, (await MasterVoice.RefusalAsync(second, HttpStatusCode.InsufficientStorage)).Code);
        (await node.Master.DropAsync(first)).Dispose();
        using var third = await node.Master.OpenAsync(UploadId.New(), 600_000);
        Assert.Equal(HttpStatusCode.NoContent, third.StatusCode);
    }

    [Fact]
    public async Task An_upload_that_grows_beyond_the_disk_is_refused_as_full()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:Worker:Capacity"] = "20000000" });
        var upload = UploadId.New();
        (await node.Master.OpenAsync(upload, null)).Dispose();
        using var response = await node.Master.PutAsync(upload, new StreamContent(new Unsized(WorkerNode.Movie(30_000_000))));
        Assert.Equal(NodeRefusal.Full, (await MasterVoice.RefusalAsync(response, HttpStatusCode.InsufficientStorage)).Code);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task Dropping_removes_prepared_bytes_and_dropping_nothing_is_fine()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var upload = UploadId.New();
        await node.PrepareAsync(WorkerNode.Movie(10), upload);
        using (var dropped = await node.Master.DropAsync(upload)) Assert.Equal(HttpStatusCode.NoContent, dropped.StatusCode);
        using (var again = await node.Master.DropAsync(upload)) Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task An_upload_that_is_dropped_while_its_file_is_being_made_leaves_nothing()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var (uploads, space) = (node.Services.GetRequiredService<UploadStore>(), node.Services.GetRequiredService<SpaceAccount>());
        var upload = UploadId.New();
        var file = StalledFile.Make(Path.Combine(_directory["incoming"], upload.Value), _directory["pipe"]);
        var opening = Task.Run(() => uploads.Open(new OpenUpload(upload, 100_000)), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => space.Measure().InFlight == 100_000, "it is being opened", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var dropping = uploads.DiscardAsync(upload);
        var early = dropping.IsCompleted;
        using (file.LetGo())
        {
            Assert.Null(await opening);
            await dropping;
        }

        Assert.False(early, "It was dropped before it was there.");
        Assert.Empty(Incoming);
        Assert.Equal(0, space.Measure().InFlight);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_dropped_while_the_disk_is_away_goes_when_it_is_back(bool prepared)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var (leftovers, space) = (node.Services.GetRequiredService<UploadLeftovers>(), node.Services.GetRequiredService<SpaceAccount>());
        var movie = WorkerNode.Movie(100_000);
        var upload = UploadId.New();
        if (prepared) await node.PrepareAsync(movie, upload);
        else using (var opened = await node.Master.OpenAsync(upload, movie.Length)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using (node.WithoutDisk())
        {
            using var dropped = await node.Master.DropAsync(upload);
            await leftovers.RunOnceAsync(TestContext.Current.CancellationToken);
        }

        Assert.NotEmpty(Incoming);
        await leftovers.RunOnceAsync(TestContext.Current.CancellationToken);
        Assert.Empty(Incoming);
        Assert.Equal(0, space.Measure().InFlight);
    }

    [Fact]
    public async Task A_seal_of_a_deleted_version_is_refused_and_a_later_one_is_not()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(1000);
        var old = WorkerNode.Describe(movie, "a.mp4");
        await node.PrepareAsync(movie, old.Upload);
        await node.Master.BuryAsync(old.Name, WorkerNode.NextVersion());
        using (var response = await node.Master.TrySealAsync(old))
            Assert.Equal(NodeRefusal.Conflict, (await MasterVoice.RefusalAsync(response, HttpStatusCode.Conflict)).Code);
        var later = old with { Version = WorkerNode.NextVersion() };
        Assert.Equal(later, (await node.Master.SealAsync(later)).Report.Replica);
    }

    [Fact]
    public async Task A_tombstone_removes_what_it_covers_and_outlives_a_restart()
    {
        MovieVersion bound;
        ReplicaDescription kept;
        var movie = WorkerNode.Movie(1000);
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            var first = await node.StoreAsync(movie, "a.mp4");
            var second = await node.StoreAsync(movie, "a.mp4");
            bound = WorkerNode.NextVersion();
            kept = await node.StoreAsync(movie, "a.mp4");
            var other = await node.StoreAsync(movie, "b.mp4");
            var receipt = await node.Master.BuryAsync(first.Name, bound);
            Assert.Equal([first.Version, second.Version], receipt.Removed);
            Assert.Empty((await node.Master.BuryAsync(first.Name, bound)).Removed);
            Assert.Equal(movie, await node.Master.BytesAsync(kept.Version, 0, 1000));
            Assert.Equal(movie, await node.Master.BytesAsync(other.Version, 0, 1000));
        }

        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal(movie, await again.Master.BytesAsync(kept.Version, 0, 1000));
        var late = WorkerNode.Describe(movie, "a.mp4", new MovieVersion(bound.Number - 1));
        await again.PrepareAsync(movie, late.Upload);
        using var response = await again.Master.TrySealAsync(late);
        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
    }

    [Fact]
    public async Task A_replica_is_read_to_its_end_although_it_is_deleted_meanwhile()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(40_000_000);
        var replica = await node.StoreAsync(movie);
        using var response = await node.Master.WindowAsync(replica.Version, 0, movie.Length);
        await node.Master.BuryAsync(replica.Name, replica.Version);
        // For other nodes it is gone, and for whoever begins now, also when the master knows nothing of the deletion; whoever watches it is served to its end (docs/decisions/finished-readings.md).
        using (var gone = await node.Master.PeerWindowAsync(replica.Version, 0, 1)) Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        using (var gone = await node.Master.WindowAsync(replica.Version, 0, 1)) Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        using (var rest = await node.Master.WindowAsync(replica.Version, 1000, 10, begun: true)) Assert.Equal(movie[1000..1010], await rest.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(movie, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>A body whose length nobody knows beforehand.</summary>
    private sealed class Unsized(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    /// <summary>Announces more than it sends.</summary>
    private sealed class Breaking(long announced, int sent) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[sent]);
            await stream.FlushAsync();
            throw new IOException("The sender broke off.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = announced;
            return true;
        }
    }
}
