using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>Trashed and quarantined bytes become an upload, or stay what they are.</summary>
public sealed class WorkerRestoreTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_disk_that_is_full_leaves_them_in_the_trash_and_nothing_among_the_uploads()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that is always full (/dev/full).");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(200_000);
        var (replica, upload) = await ThrownAwayAsync(node, movie);
        var incoming = Path.Combine(_directory.Path, "incoming");
        var receipt = Path.Combine(incoming, $"{upload}.receipt.tmp");
        File.CreateSymbolicLink(receipt, "/dev/full");

        using (var refused = await RestoreAsync(node, replica.Version, upload))
        {
            Assert.Equal(NodeRefusal.Full, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.InsufficientStorage)).Code);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(incoming));

        // There is room again.
        using var restored = await RestoreAsync(node, replica.Version, upload);
        Assert.Equal(replica.Checksum, (await MasterVoice.ReadAsync(restored, WireJson.Default.PreparedReceipt)).Checksum);
        Assert.Equal(movie, await File.ReadAllBytesAsync(Path.Combine(incoming, upload.ToString()), TestContext.Current.CancellationToken));
        Assert.Equal([$"{replica.Version}.checksum"], Kept());
    }

    [Fact]
    public async Task What_is_over_while_the_disk_is_away_goes_when_it_is_back()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await WorkerNode.StartAsync(_directory.Path, time: time);
        var replica = await node.StoreAsync(WorkerNode.Movie(200_000));
        await node.Master.BuryAsync(replica.Name, new MovieVersion(replica.Version.Number + 1));
        var kept = node.Services.GetRequiredService<KeptTrash>();
        using (node.WithoutDisk())
        {
            // Nothing is gained by it, and it is still there to give way.
            Assert.Throws<DirectoryNotFoundException>(() => kept.MakeRoom(1));
            time.Advance(TimeSpan.FromDays(2));
            await kept.RunOnceAsync(TestContext.Current.CancellationToken);
            Assert.Equal(replica.Version, Assert.Single(kept.List(null, 10)).Replica.Version);
        }

        Assert.Equal(3, Kept().Count);
        await kept.RunOnceAsync(TestContext.Current.CancellationToken);
        Assert.Empty(kept.List(null, 10));
        Assert.Empty(Kept());
    }

    [Fact]
    public async Task What_is_prepared_and_not_committed_is_still_found_and_goes_back_into_the_trash_when_it_is_dropped()
    {
        var movie = WorkerNode.Movie(200_000);
        ReplicaDescription replica;
        UploadId upload;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            (replica, upload) = await ThrownAwayAsync(node, movie);
            Assert.Equal(3, Kept().Count);

            // The master's commit came to nothing, or the master died: whoever asks next finds it.
            Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
            Assert.Equal([replica.Version], await TrashAsync(node));
            // Given up by the master, it is what it was.
            Assert.True((await node.Master.DropAsync(upload)).IsSuccessStatusCode);
            Assert.Equal([replica.Version], await TrashAsync(node));
            Assert.Equal(3, Kept().Count);
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_directory.Path, "incoming")));
            Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
        }

        var again = replica with { Version = new MovieVersion(replica.Version.Number + 2), Upload = upload };
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            // A restart makes no difference.
            Assert.Equal([replica.Version], await TrashAsync(node));
            Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
            await node.Master.SealAsync(again);
            Assert.Empty(await TrashAsync(node));
            Assert.Equal(movie, await node.Master.BytesAsync(again.Version, 0, movie.Length));
        }

        await using var last = await WorkerNode.StartAsync(_directory.Path);
        Assert.Empty(await TrashAsync(last));
        Assert.Empty(Kept());
        Assert.Equal(movie, await last.Master.BytesAsync(again.Version, 0, movie.Length));
    }

    [Fact]
    public async Task What_could_not_be_put_back_into_the_trash_goes_there_as_soon_as_it_can()
    {
        var movie = WorkerNode.Movie(200_000);
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var (replica, upload) = await ThrownAwayAsync(node, movie);
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
        // The checksums go back, the bytes do not.
        var obstacle = Directory.CreateDirectory(Path.Combine(_directory.Path, "trash", "kept", $"{replica.Version}"));
        (await node.Master.DropAsync(upload)).Dispose();
        Assert.Equal(3, Kept().Count + Directory.EnumerateFiles(Path.Combine(_directory.Path, "incoming")).Count());

        obstacle.Delete();
        await node.Services.GetRequiredService<UploadLeftovers>().RunOnceAsync(TestContext.Current.CancellationToken);
        Assert.Equal([replica.Version], await TrashAsync(node));
        Assert.Equal(3, Kept().Count);
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
        Assert.Equal(movie, await File.ReadAllBytesAsync(Path.Combine(_directory.Path, "incoming", $"{upload}"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_can_neither_be_brought_back_nor_put_back_goes_into_the_trash_as_soon_as_it_can()
    {
        var movie = WorkerNode.Movie(200_000);
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var (replica, upload) = await ThrownAwayAsync(node, movie);
        var (bytes, kept) = (Path.Combine(_directory.Path, "incoming", $"{upload}"), Path.Combine(_directory.Path, "trash", "kept", $"{replica.Version}"));
        var receipt = StalledFile.Make(bytes + ".receipt.tmp", _directory["pipe"]);
        var restoring = RestoreAsync(node, replica.Version, upload);
        await Eventually.TrueAsync(() => File.Exists(bytes), "it has left the trash", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var obstacle = Directory.CreateDirectory(kept);
        using (receipt.LetGo())
        {
            using var refused = await restoring;
            Assert.False(refused.IsSuccessStatusCode);
        }

        Assert.True(File.Exists(bytes));
        obstacle.Delete();
        await node.Services.GetRequiredService<UploadLeftovers>().RunOnceAsync(TestContext.Current.CancellationToken);
        Assert.Equal([replica.Version], await TrashAsync(node));
        Assert.Equal(3, Kept().Count);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_directory.Path, "incoming")));
        Assert.Equal(0, node.Services.GetRequiredService<SpaceAccount>().Measure().InFlight);
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
        Assert.Equal(movie, await File.ReadAllBytesAsync(bytes, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_in_the_trash_stays_there_when_what_describes_it_cannot_be_read_at_a_start(bool neither)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that cannot be read (/proc/self/mem).");
        ReplicaDescription replica;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            replica = await node.StoreAsync(WorkerNode.Movie(200_000));
            await node.Master.BuryAsync(replica.Name, new MovieVersion(replica.Version.Number + 1));
        }

        var bytes = Path.Combine(_directory.Path, "trash", "kept", $"{replica.Version}");
        List<string> endings = neither ? [".checksum", ".blocks"] : [".checksum"];
        foreach (var ending in endings)
        {
            File.Move(bytes + ending, _directory[$"aside{ending}"]);
            File.CreateSymbolicLink(bytes + ending, "/proc/self/mem");
        }

        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            Assert.Equal(neither ? [] : [replica.Version], await TrashAsync(node));
            Assert.True(File.Exists(bytes));
        }

        // It can be read again.
        foreach (var ending in endings) File.Move(_directory[$"aside{ending}"], bytes + ending, overwrite: true);
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal([replica.Version], await TrashAsync(again));
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(again, replica.Version, UploadId.Undeleting(replica.Version))).StatusCode);
    }

    [Theory]
    [InlineData("its bytes and their checksums")]
    [InlineData("its bytes alone")]
    [InlineData("its checksums alone")]
    [InlineData("its bytes alone, and the receipt")]
    public async Task What_a_crash_left_half_taken_is_in_the_trash_again(string taken)
    {
        ReplicaDescription replica;
        UploadId upload;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            (replica, upload) = await ThrownAwayAsync(node, WorkerNode.Movie(200_000));
            Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(node, replica.Version, upload)).StatusCode);
        }

        // Half taken, or half put back.
        var (incoming, kept) = (Path.Combine(_directory.Path, "incoming", $"{upload}"), Path.Combine(_directory.Path, "trash", "kept", $"{replica.Version}"));
        if (!taken.EndsWith("receipt", StringComparison.Ordinal)) File.Delete(incoming + ".receipt");
        if (taken.StartsWith("its bytes alone", StringComparison.Ordinal)) File.Move(incoming + ".blocks", kept + ".blocks");
        if (taken == "its checksums alone") File.Move(incoming, kept);
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal([replica.Version], await TrashAsync(again));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_directory.Path, "incoming")));
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(again, replica.Version, upload)).StatusCode);
    }

    [Fact]
    public async Task A_full_disk_leaves_what_is_to_be_adopted_in_quarantine_and_nothing_among_the_uploads()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that is always full (/dev/full).");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(200_000);
        var replica = await node.StoreAsync(movie);
        var quarantine = node.Services.GetRequiredService<Quarantine>();
        quarantine.Put(node.ReplicaPath(replica.Version), "A test wants it so.");
        var id = Assert.Single(quarantine.List(10)).Id;
        var upload = UploadId.New();
        var incoming = Path.Combine(_directory.Path, "incoming");
        File.CreateSymbolicLink(Path.Combine(incoming, $"{upload}.receipt.tmp"), "/dev/full");
        using (var refused = await AdoptAsync(node, id, upload))
        {
            Assert.Equal(NodeRefusal.Full, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.InsufficientStorage)).Code);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(incoming));
        Assert.Equal(id, Assert.Single(quarantine.List(10)).Id);

        // There is room again.
        using var adopted = await AdoptAsync(node, id, upload);
        Assert.Equal(replica.Checksum, (await MasterVoice.ReadAsync(adopted, WireJson.Default.PreparedReceipt)).Checksum);
        Assert.Equal(movie, await File.ReadAllBytesAsync(Path.Combine(incoming, upload.ToString()), TestContext.Current.CancellationToken));
        Assert.Equal(id, Assert.Single(quarantine.List(10)).Id);
    }

    [Fact]
    public async Task What_cannot_be_read_in_quarantine_keeps_no_worker_from_starting()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that cannot be read (/proc/self/mem).");
        string id;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            var replica = await node.StoreAsync(WorkerNode.Movie(2_000));
            var quarantine = node.Services.GetRequiredService<Quarantine>();
            quarantine.Put(node.ReplicaPath(replica.Version), "A test wants it so.");
            id = Assert.Single(quarantine.List(10)).Id;
        }

        var reason = Path.Combine(_directory.Path, "quarantine", id, "reason.txt");
        File.Delete(reason);
        File.CreateSymbolicLink(reason, "/proc/self/mem");
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        var found = Assert.Single(again.Services.GetRequiredService<Quarantine>().List(10));
        Assert.Equal((id, ""), (found.Id, found.Reason));
    }

    /// <summary>A movie that was stored and deleted, and the upload by which it can come back.</summary>
    private static async Task<(ReplicaDescription Replica, UploadId Upload)> ThrownAwayAsync(WorkerNode node, byte[] movie)
    {
        var replica = await node.StoreAsync(movie);
        await node.Master.BuryAsync(replica.Name, new MovieVersion(replica.Version.Number + 1));
        return (replica, UploadId.Undeleting(replica.Version));
    }

    private static Task<HttpResponseMessage> AdoptAsync(WorkerNode node, string id, UploadId upload) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.AdoptQuarantinedPath(id), JsonSerializer.SerializeToUtf8Bytes(new AdoptQuarantined(upload), WireJson.Default.AdoptQuarantined));

    private List<string> Kept() => [.. Directory.EnumerateFiles(Path.Combine(_directory.Path, "trash", "kept")).Select(static file => Path.GetFileName(file)!)];

    private static async Task<IReadOnlyList<MovieVersion>> TrashAsync(WorkerNode node)
    {
        var report = await MasterVoice.ReadAsync(await node.Master.SendAsync(NodePurpose.Control, HttpMethod.Get, Routes.Worker.Trash), WireJson.Default.TrashReport);
        return [.. report.Replicas.Select(static one => one.Replica.Version)];
    }

    private static Task<HttpResponseMessage> RestoreAsync(WorkerNode node, MovieVersion version, UploadId upload) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.RestorePath(version), JsonSerializer.SerializeToUtf8Bytes(new RestoreTrash(upload), WireJson.Default.RestoreTrash));
}
