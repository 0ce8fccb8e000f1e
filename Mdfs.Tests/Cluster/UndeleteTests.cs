using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What was deleted by mistake is brought back from the workers' trash, and nothing of it is seen before (design, section 7).</summary>
public sealed class UndeleteTests
{
    private static readonly MovieBytes Movie = new(31, 900_001);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deleted_movie_comes_back_as_a_new_version_with_all_its_copies_and_stays()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 3);
        var client = cluster.Client;
        await client.StoreAsync("gone.mp4", Movie, Cancelled);
        var before = (await client.FactsAsync("gone.mp4", Cancelled))!;
        using (var deleted = await client.DeleteAsync("gone.mp4", Cancelled)) Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);

        // In the trash it is nobody's movie.
        Assert.Null(await client.FactsAsync("gone.mp4", Cancelled));
        Assert.All(cluster.Workers, worker => Assert.Empty(cluster.ReplicaFiles(worker)));
        var trashed = Assert.Single((await client.AdminAsync("api/trash", Cancelled)).EnumerateArray());
        Assert.Equal(("gone.mp4", before.Version, 2, true), (
            trashed.GetProperty("name").GetString(), trashed.GetProperty("version").GetInt64(), trashed.GetProperty("copies").GetInt32(), trashed.GetProperty("free").GetBoolean()));

        var back = await cluster.Client.AdminAsync(HttpMethod.Post, "api/files/gone.mp4/undelete", HttpStatusCode.Created, Cancelled);
        Assert.Equal(2, back.GetProperty("copies").GetInt32());
        Assert.True(back.GetProperty("version").GetInt64() > before.Version);
        await client.AssertHoldsAsync("gone.mp4", Movie, Cancelled);
        Assert.Empty((await client.AdminAsync("api/trash", Cancelled)).EnumerateArray());

        // The tombstone is still everywhere; it covers the old version and not this one, whoever starts again.
        foreach (var worker in cluster.Workers)
        {
            await worker.StopAsync();
            await worker.StartAsync(Cancelled);
        }

        await cluster.Cluster.Master.StopAsync();
        await cluster.Cluster.Master.StartAsync(Cancelled);
        await client.WaitForNodesAsync(3, Cancelled);
        await client.WaitForWholeAsync(1, Cancelled);
        await client.AssertHoldsAsync("gone.mp4", Movie, Cancelled);
        Assert.All(await client.VerifyAsync("gone.mp4", Cancelled), verdict => Assert.True(verdict.Valid));
    }

    [Fact]
    public async Task A_name_that_is_taken_meanwhile_is_not_overwritten_and_what_was_never_deleted_cannot_come_back()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        var client = cluster.Client;
        var later = new MovieBytes(32, 500_000);
        await client.StoreAsync("taken.mp4", Movie, Cancelled);
        var first = (await client.FactsAsync("taken.mp4", Cancelled))!.Version;
        (await client.DeleteAsync("taken.mp4", Cancelled)).Dispose();
        await client.StoreAsync("taken.mp4", later, Cancelled);
        Assert.Equal("urn:mdfs:problem:name-taken", (await cluster.Client.AdminAsync(HttpMethod.Post, "api/files/taken.mp4/undelete", HttpStatusCode.Conflict, Cancelled)).GetProperty("type").GetString());
        await client.AssertHoldsAsync("taken.mp4", later, Cancelled);

        // Both lie there now; the older one is asked for by its version, over a restart of the workers.
        (await client.DeleteAsync("taken.mp4", Cancelled)).Dispose();
        foreach (var worker in cluster.Workers)
        {
            await worker.StopAsync();
            await worker.StartAsync(Cancelled);
        }

        await client.WaitForNodesAsync(2, Cancelled);
        Assert.Equal(2, (await client.AdminAsync("api/trash", Cancelled)).GetArrayLength());
        using var home = new TempDirectory();
        using var mdfs = new MdfsCommand(home.Path, client.Master, TestCluster.AdminKey);
        Assert.Equal(2, (await mdfs.RunAsync("trash", "--json")).AssertEnded(0).Json.Count);
        (await mdfs.RunAsync("undelete", "taken.mp4", "--version-number", $"{first}")).AssertEnded(0);
        await client.AssertHoldsAsync("taken.mp4", Movie, Cancelled);
        await cluster.Client.AdminAsync(HttpMethod.Post, "api/files/never.mp4/undelete", HttpStatusCode.NotFound, Cancelled);
    }

    [Fact]
    public async Task An_overwritten_version_is_found_at_once_by_its_number_and_comes_back_when_its_name_is_free()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2, ("Mdfs:Master:SupersededGrace", "01:00:00"));
        var client = cluster.Client;
        await client.StoreAsync("twice.mp4", Movie, Cancelled);
        var first = (await client.FactsAsync("twice.mp4", Cancelled))!.Version;
        Assert.Empty((await client.AdminAsync("api/trash", Cancelled)).EnumerateArray());
        await client.StoreAsync("twice.mp4", new MovieBytes(33, 500_000), Cancelled);
        Assert.Equal(("twice.mp4", first, Movie.Length, 2, false, true), await OnlyAsync());

        (await client.DeleteAsync("twice.mp4", Cancelled)).Dispose();
        Assert.All((await client.AdminAsync("api/trash", Cancelled)).EnumerateArray(), one => Assert.False(one.GetProperty("superseded").GetBoolean()));
        await client.AdminAsync(HttpMethod.Post, $"api/files/twice.mp4/undelete?version={first}", HttpStatusCode.Created, Cancelled);
        await client.AssertHoldsAsync("twice.mp4", Movie, Cancelled);

        async Task<(string?, long, long, int, bool, bool)> OnlyAsync()
        {
            var one = Assert.Single((await client.AdminAsync("api/trash", Cancelled)).EnumerateArray());
            return (one.GetProperty("name").GetString(), one.GetProperty("version").GetInt64(), one.GetProperty("size").GetInt64(), one.GetProperty("copies").GetInt32(), one.GetProperty("free").GetBoolean(), one.GetProperty("superseded").GetBoolean());
        }
    }

    [Fact]
    public async Task What_rotted_in_the_trash_does_not_come_back_and_what_is_too_old_is_gone()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2);
        var client = cluster.Client;
        await client.StoreAsync("rotten.mp4", Movie, Cancelled);
        (await client.DeleteAsync("rotten.mp4", Cancelled)).Dispose();
        var kept = Directory.EnumerateFiles(Path.Combine(cluster.Cluster.WorkerDirectory(cluster.Workers[0]), "trash", "kept")).Single(static file => !Path.GetFileName(file).Contains('.', StringComparison.Ordinal));
        BitRot.Flip(kept, 400_000);
        // One copy is good: it comes back, and the other is made from it.
        Assert.Equal(1, (await cluster.Client.AdminAsync(HttpMethod.Post, "api/files/rotten.mp4/undelete", HttpStatusCode.Created, Cancelled)).GetProperty("copies").GetInt32());
        await client.WaitForWholeAsync(1, Cancelled);
        await client.AssertHoldsAsync("rotten.mp4", Movie, Cancelled);
        Assert.All(await client.VerifyAsync("rotten.mp4", Cancelled), verdict => Assert.True(verdict.Valid));

        await using var brief = await TestCluster.StartAsync(Cancelled, workers: 1, ("Mdfs:Worker:TrashRetention", "00:00:00.5"));
        await brief.Client.StoreAsync("brief.mp4", Movie, Cancelled);
        (await brief.Client.DeleteAsync("brief.mp4", Cancelled)).Dispose();
        await Eventually.TrueAsync(async () => (await brief.Client.AdminAsync("api/trash", Cancelled)).GetArrayLength() == 0, "the trash is empty", MdfsClient.Patience, Cancelled);
        await brief.Client.AdminAsync(HttpMethod.Post, "api/files/brief.mp4/undelete", HttpStatusCode.NotFound, Cancelled);
    }
}
