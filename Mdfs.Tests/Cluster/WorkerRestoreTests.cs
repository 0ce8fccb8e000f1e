using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Trashed bytes become an upload, or stay what they are.</summary>
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
        var replica = await node.StoreAsync(movie);
        await node.Master.BuryAsync(replica.Name, new MovieVersion(replica.Version.Number + 1));
        var upload = UploadId.New();
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
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_directory.Path, "trash", "kept")));
    }

    private static Task<HttpResponseMessage> RestoreAsync(WorkerNode node, MovieVersion version, UploadId upload) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.RestorePath(version), JsonSerializer.SerializeToUtf8Bytes(new RestoreTrash(upload), WireJson.Default.RestoreTrash));
}
