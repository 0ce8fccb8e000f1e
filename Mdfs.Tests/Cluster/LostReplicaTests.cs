using System.Net;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>A replica whose file has gone, or cannot be opened any more, is no copy: it is damage like a bad block (design, section 2.3).</summary>
public sealed class LostReplicaTests : IDisposable
{
    private static readonly MovieBytes Movie = new(31, 900_000);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("scrub", "gone")]
    [InlineData("scrub", "not to be opened")]
    [InlineData("verify", "gone")]
    [InlineData("verify", "not to be opened")]
    [InlineData("read", "gone")]
    [InlineData("read", "not to be opened")]
    public async Task Whoever_meets_it_has_it_healed_from_another_worker(string who, string how)
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        Assert.Equal(2, await cluster.Client.StoreAsync("film.mp4", Movie, Cancelled));
        await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).All(static worker => worker.State == "resting"), "the first round is over", MdfsClient.Patience, Cancelled);
        var lost = cluster.ReplicaFiles(cluster.Worker("worker-1")).Single();
        Lose(lost, how);

        switch (who)
        {
            case "scrub":
                using (var start = new HttpRequestMessage(HttpMethod.Post, "api/scrub/start") { Headers = { Authorization = cluster.Client.Admin } })
                using (var response = await cluster.Client.Http.SendAsync(start, Cancelled)) Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
                await HealedAsync();
                await Eventually.TrueAsync(async () => (await ScrubAsync(cluster)).Sum(static worker => worker.Healed) == 1, "it was counted", MdfsClient.Patience, Cancelled);
                break;
            case "verify":
                Assert.Equal(1, (await cluster.Client.VerifyAsync("film.mp4", Cancelled)).Count(static verdict => verdict.Valid));
                await HealedAsync();
                break;
            default:
                // Whichever worker is asked, the reader gets the movie. Several at once, since one after the other may all be given the same.
                await Eventually.TrueAsync(
                    async () =>
                    {
                        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => cluster.Client.AssertHoldsAsync("film.mp4", Movie, Cancelled)));
                        return IsWhole();
                    },
                    "it is healed", MdfsClient.Patience, Cancelled);
                break;
        }

        await Eventually.TrueAsync(
            async () => (await cluster.Client.VerifyAsync("film.mp4", Cancelled)).Count(static verdict => verdict.Valid) == 2, "both are copies again", MdfsClient.Patience, Cancelled);

        Task HealedAsync() => Eventually.TrueAsync(() => Task.FromResult(IsWhole()), "it is healed", MdfsClient.Patience, Cancelled);
        bool IsWhole() => File.Exists(lost) && new FileInfo(lost).LinkTarget is null && File.ReadAllBytes(lost).AsSpan().SequenceEqual(Movie.ToArray());
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("not to be opened")]
    public async Task The_scrub_goes_on_to_the_others(string how)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var scrubber = node.Services.GetRequiredService<Scrubber>();
        await SoonAsync(() => scrubber.Report() is { State: ScrubState.Resting, Cycle: 1 }, "the first round is over");
        var lost = await node.StoreAsync(WorkerNode.Movie(70_000), "lost.mp4");
        var rotten = await node.StoreAsync(WorkerNode.Movie(70_000), "rotten.mp4");
        Lose(node.ReplicaPath(lost.Version), how);
        BitRot.Flip(node.ReplicaPath(rotten.Version), 66_000);

        scrubber.Obey(new ScrubOrder(1, ScrubAction.Start));
        await SoonAsync(() => scrubber.Report() is { State: ScrubState.Resting, Cycle: 2 }, "the second round is over");
        Assert.True(IsDamaged(node, lost));
        Assert.True(IsDamaged(node, rotten));
        Assert.Equal(2, scrubber.Report().RotFound);
        // Once more: it is known, and no news.
        var result = await node.Master.VerifyAsync(lost.Version);
        Assert.Equal((false, 2), (result.Valid, result.DamagedBlocks));
    }

    [Fact]
    public async Task What_is_deleted_while_it_is_re_read_is_not_held_against_the_disk()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var (store, verifier) = (node.Services.GetRequiredService<ReplicaStore>(), node.Services.GetRequiredService<ReplicaVerifier>());
        for (var i = 0; i < 60; i++)
        {
            var replica = await node.StoreAsync(WorkerNode.Movie(1000, i), $"{i}.mp4");
            var reading = Task.Run(
                async () =>
                {
                    while (await verifier.VerifyAsync(replica.Version, Cancelled) is { } result) Assert.True(result.Valid);
                },
                Cancelled);
            Assert.True(await store.DeleteAsync(replica.Version, "nobody wants it", static () => false, Cancelled));
            await reading;
        }

        Assert.Equal(0, node.Services.GetRequiredService<Inventory>().DamagedCount);
        Assert.Null(node.Services.GetRequiredService<DamageDesk>().ClosedForWrites);
    }

    [Fact]
    public async Task While_the_whole_disk_is_away_no_replica_is_held_for_damaged()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(WorkerNode.Movie(1000));
        // As a disk that is not mounted: neither the replica is there nor the file that says whose directory this is.
        File.Move(node.ReplicaPath(replica.Version), _directory["aside"]);
        File.Move(_directory["node.json"], _directory["node.aside"]);
        Assert.Null(await node.Services.GetRequiredService<ReplicaVerifier>().VerifyAsync(replica.Version, Cancelled));
        Assert.False(IsDamaged(node, replica));

        File.Move(_directory["node.aside"], _directory["node.json"]);
        Assert.False((await node.Master.VerifyAsync(replica.Version)).Valid);
        Assert.True(IsDamaged(node, replica));

        // And it is a copy again when it is there again.
        File.Move(_directory["aside"], node.ReplicaPath(replica.Version));
        Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
        Assert.False(IsDamaged(node, replica));
    }

    private static void Lose(string file, string how)
    {
        File.Delete(file);
        // A name that leads to itself: whoever opens it is told of an error that does not say that it is missing.
        if (how != "gone") File.CreateSymbolicLink(file, file);
    }

    private static bool IsDamaged(WorkerNode node, ReplicaDescription replica) =>
        node.Services.GetRequiredService<Inventory>().TryGet(replica.Version, out var held) && held.Report.Damaged;

    private static async Task<List<(string State, long Healed)>> ScrubAsync(TestCluster cluster) =>
        [.. (await cluster.Client.AdminAsync("api/scrub", Cancelled)).EnumerateArray().Select(static worker => (worker.GetProperty("state").GetString()!, worker.GetProperty("rotHealed").GetInt64()))];

    private static Task SoonAsync(Func<bool> condition, string what) => Eventually.TrueAsync(condition, what, TimeSpan.FromSeconds(30), Cancelled);
}
