using System.Net;
using System.Text.RegularExpressions;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>A crash between any two steps leaves a directory in some state; each state is made here and then started upon.</summary>
public sealed class WorkerRecoveryTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly byte[] _movie = WorkerNode.Movie(200_000);

    public void Dispose() => _directory.Dispose();

    private string[] Incoming => [.. Directory.EnumerateFiles(_directory["incoming"]).Select(Path.GetFileName).OfType<string>()];

    private string[] Replicas => [.. Directory.EnumerateFiles(_directory["replicas"], "*", SearchOption.AllDirectories)];

    [Fact]
    public async Task A_prepared_upload_survives_a_restart_and_is_sealed_then()
    {
        var replica = await PrepareAndStopAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await node.Master.SealAsync(replica);
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
        Assert.Empty(Incoming);
    }

    [Theory]
    [InlineData("receipt missing")]
    [InlineData("receipt torn")]
    [InlineData("bytes missing")]
    [InlineData("bytes short")]
    [InlineData("blocks missing")]
    public async Task An_upload_that_was_not_finished_is_removed(string how)
    {
        var replica = await PrepareAndStopAsync();
        var path = Path.Combine(_directory["incoming"], replica.Upload.Value);
        switch (how)
        {
            case "receipt missing": File.Delete(path + ".receipt"); break;
            case "receipt torn": File.WriteAllBytes(path + ".receipt", File.ReadAllBytes(path + ".receipt")[..20]); break;
            case "bytes missing": File.Delete(path); break;
            case "bytes short": File.WriteAllBytes(path, _movie[..1000]); break;
            default: File.Delete(path + ".blocks"); break;
        }

        await using var node = await WorkerNode.StartAsync(_directory.Path);
        Assert.Empty(Incoming);
        using var response = await node.Master.TrySealAsync(replica);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData(".receipt")]
    [InlineData(".open")]
    public async Task An_upload_of_which_a_note_cannot_be_read_is_left_alone_until_it_can(string ending)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that cannot be read (/proc/self/mem).");
        var replica = WorkerNode.Describe(_movie, "a.mp4");
        await using (var node = await WorkerNode.StartAsync(_directory.Path)) await node.PrepareAsync(_movie, replica.Upload);
        var path = Path.Combine(_directory["incoming"], replica.Upload.Value);
        File.Move(path + ".receipt", _directory["aside"]);
        File.CreateSymbolicLink(path + ending, "/proc/self/mem");
        await using (await WorkerNode.StartAsync(_directory.Path)) Assert.True(File.Exists(path));

        File.Delete(path + ending);
        File.Move(_directory["aside"], path + ".receipt");
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal(replica, (await again.Master.SealAsync(replica)).Report.Replica);
        Assert.Equal(_movie, await again.Master.BytesAsync(replica.Version, 0, _movie.Length));
    }

    [Fact]
    public async Task A_seal_that_failed_right_after_its_rename_can_be_repeated_in_the_same_life()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = WorkerNode.Describe(_movie, "a.mp4");
        await node.PrepareAsync(_movie, replica.Upload);
        File.Move(Path.Combine(_directory["incoming"], replica.Upload.Value), node.ReplicaPath(replica.Version));
        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
        Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task Bytes_that_went_while_they_were_prepared_are_not_sealed_in_the_name_of_a_damaged_replica()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(_movie);
        BitRot.Flip(node.ReplicaPath(replica.Version), 1_000);
        Assert.False((await node.Master.VerifyAsync(replica.Version)).Valid);
        await node.PrepareAsync(_movie, replica.Upload);
        File.Delete(Path.Combine(_directory["incoming"], replica.Upload.Value));
        using var sealedAgain = await node.Master.TrySealAsync(replica);
        Assert.False(sealedAgain.IsSuccessStatusCode);
        Assert.False((await node.Master.VerifyAsync(replica.Version)).Valid);
    }

    [Theory]
    [InlineData("replicas")]
    [InlineData("replicas/07")]
    [InlineData("trash")]
    [InlineData("trash/kept")]
    [InlineData("quarantine")]
    public async Task A_directory_on_another_file_system_is_named_at_start(string which)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Directory.Exists("/dev/shm"), "Another file system is /dev/shm.");
        var elsewhere = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetRandomFileName()));
        try
        {
            Assert.SkipWhen(Mdfs.Worker.Storage.FileSystemName.Of(elsewhere.FullName) == Mdfs.Worker.Storage.FileSystemName.Of(_directory.Path), "/dev/shm is none here.");
            var link = Path.Combine(_directory.Path, which);
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            Directory.CreateSymbolicLink(link, elsewhere.FullName);
            var error = await Assert.ThrowsAsync<Mdfs.ServiceDefaults.Hosting.SettingException>(() => WorkerNode.StartAsync(_directory.Path));
            Assert.Contains($"'{link}'", error.Message, StringComparison.Ordinal);
            Assert.Contains("file system", error.Message, StringComparison.Ordinal);
            Assert.Empty(elsewhere.EnumerateFiles("*", SearchOption.AllDirectories));
        }
        finally
        {
            elsewhere.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_seal_cut_before_its_rename_never_happened_and_can_happen_again(int steps)
    {
        var replica = await PrepareAndStopAsync();
        // The sidecars as the seal writes them: taken from a twin that was sealed in another directory.
        using var other = new TempDirectory();
        await using (var twin = await WorkerNode.StartAsync(other.Path))
        {
            await twin.StoreAsync(_movie, replica: replica);
            var path = Path.Combine(_directory["replicas"], Path.GetRelativePath(Path.Combine(other.Path, "replicas"), twin.ReplicaPath(replica.Version)));
            File.Copy(twin.ReplicaPath(replica.Version) + ".checksum", path + ".checksum");
            if (steps == 2)
            {
                File.Delete(Path.Combine(_directory["incoming"], replica.Upload.Value + ".blocks"));
                File.Copy(twin.ReplicaPath(replica.Version) + ".blocks", path + ".blocks");
            }
        }

        await using var node = await WorkerNode.StartAsync(_directory.Path);
        using (var early = await node.Master.WindowAsync(replica.Version, 0, 1)) Assert.Equal(HttpStatusCode.NotFound, early.StatusCode);
        Assert.Empty(Replicas);
        await node.Master.SealAsync(replica);
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
    }

    [Fact]
    public async Task A_seal_cut_after_its_rename_is_a_seal()
    {
        var replica = await StoreAndStopAsync();
        // The receipt is removed last.
        File.WriteAllText(Path.Combine(_directory["incoming"], replica.Upload.Value + ".receipt"), "{}");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
        Assert.Equal(replica, (await node.Master.SealAsync(replica)).Report.Replica);
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task A_deletion_cut_after_its_rename_leaves_nothing()
    {
        var replica = await StoreAndStopAsync();
        File.Move(Path.Combine(_directory["replicas"], Shard(replica.Version), replica.Version.ToString()), Path.Combine(_directory["trash"], "x"));
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        Assert.Empty(Replicas);
        await Eventually.TrueAsync(() => !Directory.EnumerateFiles(_directory["trash"]).Any(), "the trash is emptied", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_burial_cut_before_its_removals_is_finished_at_start()
    {
        var replica = await StoreAndStopAsync();
        using (var log = Mdfs.Worker.Storage.TombstoneLog.Open(_directory["tombstones.log"]))
            log.Add([new Tombstone(replica.Name, replica.Version, 1, DateTimeOffset.UnixEpoch)]);
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        using var response = await node.Master.PeerWindowAsync(replica.Version, 0, 1);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(Replicas);
    }

    [Fact]
    public async Task A_description_that_is_damaged_and_cannot_be_written_anew_keeps_no_worker_from_starting()
    {
        var replica = await StoreAndStopAsync();
        var description = Path.Combine(_directory["replicas"], Shard(replica.Version), $"{replica.Version}.checksum");
        BitRot.Flip(description, 25);
        // Nothing can be written under this name, as little as on a full disk.
        Directory.CreateDirectory(description + ".tmp");
        await using (var node = await WorkerNode.StartAsync(_directory.Path)) Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));

        // When there is room again the scrub mends it.
        await using var later = await WorkerNode.StartAsync(_directory.Path);
        Assert.Null(Mdfs.Worker.Storage.ChecksumFile.Read(description));
        Directory.Delete(description + ".tmp");
        var scrubber = later.Services.GetRequiredService<Mdfs.Worker.Integrity.Scrubber>();
        await Eventually.TrueAsync(() => scrubber.Report().State == ScrubState.Resting, "the round is over", MdfsClient.Patience, TestContext.Current.CancellationToken);
        scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
        await Eventually.TrueAsync(() => Mdfs.Worker.Storage.ChecksumFile.Read(description) == replica, "it is mended", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Bytes_that_nothing_describes_and_that_cannot_be_put_aside_keep_no_worker_from_starting()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that cannot be read (/proc/self/mem).");
        var replica = await StoreAndStopAsync();
        var path = Path.Combine(_directory["replicas"], Shard(replica.Version), $"{replica.Version}");
        File.Delete(path + ".checksum");
        File.Delete(path + ".blocks");
        File.CreateSymbolicLink(path + ".blocks", "/proc/self/mem");
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            using var response = await node.Master.WindowAsync(replica.Version, 0, 1);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.True(File.Exists(path));
        }

        File.Delete(path + ".blocks");
        await using var later = await WorkerNode.StartAsync(_directory.Path);
        Assert.False(File.Exists(path));
        Assert.Single(Directory.GetFiles(_directory["quarantine"], $"{replica.Version}", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Half_written_files_of_any_kind_are_swept_and_strange_ones_left_alone()
    {
        var replica = await StoreAndStopAsync();
        var shard = Path.Combine(_directory["replicas"], Shard(replica.Version));
        File.WriteAllText(Path.Combine(shard, $"{replica.Version}.checksum.tmp"), "x");
        File.WriteAllText(Path.Combine(shard, "12345.blocks"), "x");
        File.WriteAllText(Path.Combine(_directory["incoming"], $"{UploadId.New()}.receipt.tmp"), "x");
        File.WriteAllText(Path.Combine(shard, "README"), "x");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        string[] expected = ["README", $"{replica.Version}", $"{replica.Version}.blocks", $"{replica.Version}.checksum"];
        Assert.Equal(expected.ToHashSet(), Replicas.Select(Path.GetFileName).OfType<string>().ToHashSet());
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task A_replica_of_another_cluster_goes_to_quarantine()
    {
        ReplicaDescription foreign;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            foreign = await node.StoreAsync(_movie, replica: WorkerNode.Describe(_movie, "a.mp4") with { ClusterId = "another" });
        }

        using (var directory = Mdfs.Worker.Storage.DataDirectory.Open(_directory.Path))
            Assert.True(Mdfs.Worker.Storage.NodeMemory.Open(directory).TryJoin(WorkerNode.ClusterId));
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        using var response = await again.Master.WindowAsync(foreign.Version, 0, 1);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Single(Directory.GetDirectories(_directory["quarantine"]));
    }

    /// <summary>Real kills of a real process at random moments of an upload: what was acknowledged is there, what was not leaves nothing.</summary>
    [Fact]
    public async Task Kills_while_uploading_lose_nothing_acknowledged_and_leave_nothing_else()
    {
        var random = new Random(4711);
        var sealedHere = new List<ReplicaDescription>();
        for (var round = 0; round < 4; round++)
        {
            await using var process = ServiceProcess.Start("Mdfs.Worker", WorkerNode.Settings(_directory.Path, "http://127.0.0.1:9").Select(pair => new KeyValuePair<string, string>(pair.Key, pair.Value!)));
            var address = (await process.WaitForOutputAsync(new Regex("listening on: (http://[0-9.:]+)"), TestContext.Current.CancellationToken)).Groups[1].Value;
            using var master = new MasterVoice(address, Identity());
            foreach (var replica in sealedHere) Assert.Equal(_movie, await master.BytesAsync(replica.Version, 0, _movie.Length));

            var uploading = UploadUntilItBreaksAsync(master, sealedHere);
            var enough = sealedHere.Count + random.Next(3, 12);
            await Eventually.TrueAsync(() => { lock (sealedHere) return sealedHere.Count >= enough; }, "some uploads", MdfsClient.Patience, TestContext.Current.CancellationToken);
            await process.KillAsync();
            await uploading;
        }

        await using var node = await WorkerNode.StartAsync(_directory.Path);
        foreach (var replica in sealedHere) Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
        // Prepared uploads may stay, each with all three of its files; nothing half stays.
        Assert.Equal(0, Incoming.Length % 3);
    }

    private async Task UploadUntilItBreaksAsync(MasterVoice master, List<ReplicaDescription> done)
    {
        try
        {
            while (true)
            {
                var replica = WorkerNode.Describe(_movie, $"{Guid.NewGuid():N}.mp4");
                (await master.OpenAsync(replica.Upload, _movie.Length)).Dispose();
                (await master.PutAsync(replica.Upload, new ByteArrayContent(_movie))).Dispose();
                await master.SealAsync(replica);
                lock (done) done.Add(replica);
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            // Killed.
        }
    }

    // Read from the file, since the process that has it locked will not tell.
    private NodeId Identity() =>
        NodeId.Parse(Regex.Match(File.ReadAllText(_directory["node.json"]), "\"node\":\"([0-9a-f]{32})\"").Groups[1].Value);

    private static string Shard(MovieVersion version) => (version.Number & 255).ToString("x2");

    private async Task<ReplicaDescription> PrepareAndStopAsync()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = WorkerNode.Describe(_movie, "a.mp4");
        await node.PrepareAsync(_movie, replica.Upload);
        return replica;
    }

    private async Task<ReplicaDescription> StoreAndStopAsync()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        return await node.StoreAsync(_movie);
    }
}
