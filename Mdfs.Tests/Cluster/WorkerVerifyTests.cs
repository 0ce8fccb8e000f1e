using System.Net;
using Mdfs.Tests.Support;
using Mdfs.Worker.Integrity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>Re-reading a replica whole, and mending its block checksums, when something comes between.</summary>
public sealed class WorkerVerifyTests : IDisposable
{
    private const int Block = 65_536;

    private readonly TempDirectory _directory = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Block_checksums_that_could_not_be_written_on_a_full_disk_are_mended_when_there_is_room()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "This system has no file that is always full.");
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow) { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) };
        await using var node = await WorkerNode.StartAsync(_directory.Path, time: clock);
        var queue = node.Services.GetRequiredService<VerifyQueue>();
        var replica = await node.StoreAsync(WorkerNode.Movie(5 * Block));
        var blocks = node.ReplicaPath(replica.Version) + ".blocks";
        File.Delete(blocks);
        File.CreateSymbolicLink(blocks + ".tmp", "/dev/full");
        var tried = queue.Status.LastEnd;
        queue.Add(replica.Version);
        await Eventually.TrueAsync(() => queue.Status is { Running: false } status && status.LastEnd != tried, "it was tried", MdfsClient.Patience, Cancelled);
        Assert.False(File.Exists(blocks));

        // As the master's order, which comes with every beat until the result is known: the movie is not read again with each.
        File.Delete(blocks + ".tmp");
        Assert.False(queue.Add(replica.Version));
        clock.Advance(VerifyQueue.Pause);
        await Eventually.TrueAsync(() => queue.Add(replica.Version) || File.Exists(blocks), "it is read again after a while", MdfsClient.Patience, Cancelled);
        await Eventually.TrueAsync(() => File.Exists(blocks), "its checksums are mended", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task Bytes_that_change_between_two_readings_get_no_checksums_that_vouch_for_them()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(1200 * Block);
        var replica = await node.StoreAsync(movie);
        var path = node.ReplicaPath(replica.Version);
        File.Delete(path + ".blocks");
        var verifier = node.Services.GetRequiredService<ReplicaVerifier>();
        var verifying = Task.Run(() => verifier.VerifyAsync(replica.Version, Cancelled), Cancelled);
        while (verifier.Progress(replica.Version) is null && !verifying.IsCompleted) Thread.SpinWait(10);
        // The beginning was read and found good; what is read to make the checksums is something else.
        BitRot.Flip(path, 100);
        await verifying;

        using var window = await node.Master.WindowAsync(replica.Version, 0, Block);
        Assert.Equal(HttpStatusCode.Conflict, window.StatusCode);
    }

    [Fact]
    public async Task Two_who_have_the_same_replica_re_read_do_not_get_into_each_others_way()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(100 * Block);
        var replica = await node.StoreAsync(movie);
        var verifier = node.Services.GetRequiredService<ReplicaVerifier>();
        for (var round = 0; round < 30; round++)
        {
            File.Delete(node.ReplicaPath(replica.Version) + ".blocks");
            var results = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => verifier.VerifyAsync(replica.Version, Cancelled), Cancelled)));
            Assert.All(results, static result => Assert.True(result!.Valid));
            Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
        }
    }
}
