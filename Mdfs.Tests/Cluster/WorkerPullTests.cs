using System.Net;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Replication;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

public sealed class WorkerPullTests : IAsyncDisposable
{
    private const int Block = 65_536;

    private readonly List<TempDirectory> _directories = [];
    private readonly List<WorkerNode> _nodes = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        foreach (var directory in _directories) directory.Dispose();
    }

    [Fact]
    public async Task A_pull_makes_a_good_copy_and_tells_the_master()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        var (source, target) = (await NodeAsync(), await NodeAsync(master.Address));
        var movie = WorkerNode.Movie(20_000_001);
        var replica = await source.StoreAsync(movie);
        await master.WaitForBeatAsync(static _ => true, "a beat");
        master.Answer(reply => reply with { Orders = [new PullOrder(replica, [Source(source)])] });
        var told = await master.WaitForBeatAsync(beat => beat.Changed.Count > 0, "the copy is told");
        Assert.Equal(new ReplicaReport(replica, false, true), told.Changed[0]);
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.True((await target.Master.VerifyAsync(replica.Version)).Valid);
    }

    [Fact]
    public async Task Two_damaged_copies_heal_one_another()
    {
        var (a, b) = (await NodeAsync(), await NodeAsync());
        var movie = WorkerNode.Movie((12 * Block) + 9);
        var replica = await a.StoreAsync(movie);
        await b.StoreAsync(movie, replica: replica);
        foreach (var block in new[] { 0, 5, 6 }) Damage(a, replica, block);
        foreach (var block in new[] { 3, 7, 12 }) Damage(b, replica, block);
        Assert.False((await a.Master.VerifyAsync(replica.Version)).Valid);
        Assert.False((await b.Master.VerifyAsync(replica.Version)).Valid);

        Assert.Null(await PullAsync(a, replica, b));
        Assert.True((await a.Master.VerifyAsync(replica.Version)).Valid);
        Assert.Null(await PullAsync(b, replica, a));
        Assert.Equal(movie, await b.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.False(File.Exists(b.ReplicaPath(replica.Version) + ".damaged"));
    }

    [Fact]
    public async Task Three_damaged_sources_make_one_good_copy()
    {
        var movie = WorkerNode.Movie(9 * Block);
        var replica = WorkerNode.Describe(movie, "a.mp4");
        var sources = new List<WorkerNode>();
        for (var i = 0; i < 3; i++)
        {
            var node = await NodeAsync();
            await node.StoreAsync(movie, replica: replica);
            // Neighbours, so that every source stands right before its own bad block at some time.
            for (var block = i; block < 9; block += 3) Damage(node, replica, block);
            sources.Add(node);
        }

        var target = await NodeAsync();
        Assert.Null(await PullAsync(target, replica, [.. sources]));
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task A_block_that_is_bad_everywhere_fails_with_the_reason_and_replaces_nothing()
    {
        var (a, b) = (await NodeAsync(), await NodeAsync());
        var movie = WorkerNode.Movie(4 * Block);
        var replica = await a.StoreAsync(movie);
        await b.StoreAsync(movie, replica: replica);
        Damage(a, replica, 2);
        Damage(b, replica, 2);
        await a.Master.VerifyAsync(replica.Version);
        Assert.Contains("no source has byte", await PullAsync(a, replica, b));
        Assert.Equal(movie[..(2 * Block)], await a.Master.BytesAsync(replica.Version, 0, 2 * Block));
    }

    [Fact]
    public async Task A_source_that_dies_midway_is_followed_by_the_next()
    {
        var (first, second, target) = (await NodeAsync(), await NodeAsync(), await NodeAsync(settings: new() { ["Mdfs:Worker:RepairBytesPerSecond"] = "8000000" }));
        var movie = WorkerNode.Movie(24_000_000);
        var replica = await first.StoreAsync(movie);
        await second.StoreAsync(movie, replica: replica);
        var desk = target.Services.GetRequiredService<PullDesk>();
        desk.Start(new PullOrder(replica, [Source(first), Source(second)]));
        await Eventually.TrueAsync(() => desk.Progress().Any(pull => pull.Done > 2_000_000), "bytes come", MdfsClient.Patience, TestContext.Current.CancellationToken);
        await StopAsync(first);
        await Eventually.TrueAsync(() => !desk.IsPulling(replica.Version), "it ends", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task A_pull_goes_by_its_newest_limit_also_in_the_middle_of_a_window()
    {
        var (source, target) = (await NodeAsync(), await NodeAsync());
        var movie = WorkerNode.Movie(16_000_000);
        var replica = await source.StoreAsync(movie);
        var desk = target.Services.GetRequiredService<PullDesk>();
        desk.Start(new PullOrder(replica, [Source(source)], 100_000));
        await Eventually.TrueAsync(() => desk.Progress().Any(pull => pull.Done > 0), "bytes come", MdfsClient.Patience, TestContext.Current.CancellationToken);
        desk.Start(new PullOrder(replica, [Source(source)], 0));
        await Eventually.TrueAsync(() => !desk.IsPulling(replica.Version), "it ends", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task A_pull_goes_on_where_a_restart_of_its_target_stopped_it()
    {
        var slow = new Dictionary<string, string?> { ["Mdfs:Worker:RepairBytesPerSecond"] = "8000000" };
        var (source, target) = (await NodeAsync(), await NodeAsync(settings: slow));
        var movie = WorkerNode.Movie(16_000_000);
        var replica = await source.StoreAsync(movie);
        var desk = target.Services.GetRequiredService<PullDesk>();
        desk.Start(new PullOrder(replica, [Source(source)]));
        await Eventually.TrueAsync(() => desk.Progress().Any(pull => pull.Done > 4_000_000), "bytes come", MdfsClient.Patience, TestContext.Current.CancellationToken);
        await StopAsync(target);
        var part = Path.Combine(target.Directory, "incoming", $"pull-{replica.Version}");
        Assert.InRange(new FileInfo(part).Length, 4_000_000, movie.Length - 1);
        // What a power cut does to a page that was never fsynced.
        BitRot.Flip(part, 3_000_000);

        var again = await WorkerNode.StartAsync(target.Directory);
        _nodes.Add(again);
        var pull = new Pull(new PullOrder(replica, [Source(source)]), new CancellationTokenSource());
        var running = again.Services.GetRequiredService<PullRunner>().RunAsync(pull);
        Assert.Null(await running);
        Assert.Equal((3_000_000 / BlockFormat.BlockSize * BlockFormat.BlockSize, movie.Length), (pull.Kept, pull.Done));
        Assert.Equal(movie, await again.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(target.Directory, "incoming")));
    }

    [Fact]
    public async Task Prepared_bytes_of_the_same_upload_are_sealed_instead_of_pulled()
    {
        var target = await NodeAsync();
        var movie = WorkerNode.Movie(1000);
        var replica = WorkerNode.Describe(movie, "a.mp4");
        await target.PrepareAsync(movie, replica.Upload);
        Assert.Null(await PullAsync(target, replica));
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, 1000));
    }

    [Fact]
    public async Task What_was_deleted_or_has_no_room_is_not_pulled()
    {
        var (source, target) = (await NodeAsync(), await NodeAsync(settings: new() { ["Mdfs:Worker:Capacity"] = "500" }));
        var replica = await source.StoreAsync(WorkerNode.Movie(1000));
        Assert.Contains("no room", await PullAsync(target, replica, source));
        await target.Master.BuryAsync(replica.Name, replica.Version);
        Assert.Contains("deleted", await PullAsync(target, replica, source));
    }

    [Fact]
    public async Task Bytes_that_are_not_the_commits_are_dropped()
    {
        var (source, target) = (await NodeAsync(), await NodeAsync());
        var replica = await source.StoreAsync(WorkerNode.Movie(100_000));
        Assert.Contains("checksum of the commit", await PullAsync(target, replica with { Checksum = new(1) }, source));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(target.Directory, "incoming")));
        using var response = await target.Master.WindowAsync(replica.Version, 0, 1);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task A_seal_that_a_pull_outran_drops_the_prepared_bytes()
    {
        var (source, target) = (await NodeAsync(), await NodeAsync());
        var movie = WorkerNode.Movie(300_000);
        var replica = await source.StoreAsync(movie);
        await PullAsync(target, replica, source);
        await target.PrepareAsync(movie, replica.Upload);
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(target.Directory, "incoming")));

        Assert.Equal(replica, (await target.Master.SealAsync(replica)).Report.Replica);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(target.Directory, "incoming")));
        Assert.False(target.Services.GetRequiredService<Inventory>().TryGetPrepared(replica.Upload, out _));
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task Prepared_bytes_take_the_place_of_a_replica_that_is_damaged()
    {
        var (_, target, movie, replica) = await DamagedAndPreparedAsync();

        Assert.False((await target.Master.SealAsync(replica)).Report.Damaged);
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.False(File.Exists(target.ReplicaPath(replica.Version) + ".damaged"));
    }

    [Fact]
    public async Task Prepared_bytes_that_cannot_be_sealed_do_not_keep_a_damaged_replica_from_being_copied()
    {
        var (source, target, movie, replica) = await DamagedAndPreparedAsync();
        // As a seal leaves it that failed after its rename.
        File.Move(Path.Combine(target.Directory, "incoming", replica.Upload.Value), target.ReplicaPath(replica.Version), overwrite: true);
        Damage(target, replica, 2);

        Assert.Null(await PullAsync(target, replica, source));
        Assert.True((await target.Master.VerifyAsync(replica.Version)).Valid);
        Assert.Equal(movie, await target.Master.BytesAsync(replica.Version, 0, movie.Length));
        Assert.Equal(replica, (await target.Master.SealAsync(replica)).Report.Replica);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(target.Directory, "incoming")));
    }

    /// <summary>A movie on a source, and on a target that knows its replica to be damaged and has the good bytes prepared.</summary>
    private async Task<(WorkerNode Source, WorkerNode Target, byte[] Movie, ReplicaDescription Replica)> DamagedAndPreparedAsync()
    {
        var (source, target) = (await NodeAsync(), await NodeAsync());
        var movie = WorkerNode.Movie(300_000);
        var replica = await source.StoreAsync(movie);
        await PullAsync(target, replica, source);
        Damage(target, replica, 1);
        Assert.False((await target.Master.VerifyAsync(replica.Version)).Valid);
        await target.PrepareAsync(movie, replica.Upload);
        return (source, target, movie, replica);
    }

    private static PullSource Source(WorkerNode node) => new(node.Id, node.Address);

    private static void Damage(WorkerNode node, ReplicaDescription replica, int block) => BitRot.Flip(node.ReplicaPath(replica.Version), (block * Block) + 3);

    private static Task<string?> PullAsync(WorkerNode target, ReplicaDescription replica, params WorkerNode[] sources) =>
        target.Services.GetRequiredService<PullRunner>().RunAsync(new Pull(new PullOrder(replica, [.. sources.Select(Source)]), new CancellationTokenSource()));

    private async Task<WorkerNode> NodeAsync(string master = "http://127.0.0.1:9", Dictionary<string, string?>? settings = null)
    {
        var directory = new TempDirectory();
        _directories.Add(directory);
        var node = await WorkerNode.StartAsync(directory.Path, master, settings);
        _nodes.Add(node);
        return node;
    }

    private async Task StopAsync(WorkerNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }
}
