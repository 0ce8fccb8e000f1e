using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What is deleted stays deleted, and nothing else goes with it (design, sections 2.2, 4 and 7; the second defect of the original).</summary>
public sealed class DeletionTests(DeletionTests.Fixture shared) : IClassFixture<DeletionTests.Fixture>
{
    [Fact]
    public async Task A_movie_stored_again_after_its_deletion_stays_and_has_two_copies()
    {
        var old = new MovieBytes(1, 200_000);
        var @new = new MovieBytes(2, 300_000);
        await Patiently.StoreAsync(Client, "again.mp4", old, Cancelled);
        var before = await Client.FactsAsync("again.mp4", Cancelled);
        await Patiently.DeleteAsync(Client, "again.mp4", Cancelled);
        await Eventually.TrueAsync(() => shared.OnDisk(before!.Version) == 0, "the deleted copies go", MdfsClient.Patience, Cancelled);
        Assert.Null(await Client.FactsAsync("again.mp4", Cancelled));

        await Patiently.StoreAsync(Client, "again.mp4", @new, Cancelled);
        var after = await Client.FactsAsync("again.mp4", Cancelled);
        await BeatsAsync(8);

        Assert.Equal(after!.Version, (await Client.FactsAsync("again.mp4", Cancelled))!.Version);
        Assert.Equal(2, (await Client.FactsAsync("again.mp4", Cancelled))!.Copies);
        Assert.Equal(2, shared.OnDisk(after.Version));
        Assert.Equal(0, shared.OnDisk(before!.Version));
        await Client.AssertHoldsAsync("again.mp4", @new, Cancelled);
    }

    [Fact]
    public async Task A_deletion_while_a_new_version_is_on_its_way_takes_the_old_one_and_leaves_the_new()
    {
        await Patiently.StoreAsync(Client, "crossing.mp4", new MovieBytes(3, 100_000), Cancelled);
        var old = await Client.FactsAsync("crossing.mp4", Cancelled);
        var movie = new MovieBytes(4, 4 << 20);
        using var content = new PausedContent(movie, pauseAt: movie.Length / 2);
        var upload = Client.PutAsync("crossing.mp4", content, Cancelled);
        await content.Paused.WaitAsync(Cancelled);
        await Eventually.TrueAsync(() => shared.Incoming().Count() >= 2, "the new version is on its way", MdfsClient.Patience, Cancelled);

        await Patiently.DeleteAsync(Client, "crossing.mp4", Cancelled);
        Assert.Null(await Client.FactsAsync("crossing.mp4", Cancelled));
        content.GoOn();
        using (var stored = await upload)
            Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        await BeatsAsync(8);

        await Client.WaitForWholeAsync((await Client.ListAsync(Cancelled)).Count, Cancelled);
        Assert.Equal(0, shared.OnDisk(old!.Version));
        await Client.AssertHoldsAsync("crossing.mp4", movie, Cancelled);
    }

    [Fact]
    public async Task Who_reads_a_movie_that_is_overwritten_gets_the_old_version_whole_and_who_comes_later_the_new_one()
    {
        var old = new MovieBytes(5, 48 << 20);
        var @new = new MovieBytes(6, 1 << 20);
        await Patiently.StoreAsync(Client, "changing.mp4", old, Cancelled);
        var version = (await Client.FactsAsync("changing.mp4", Cancelled))!.Version;
        string hash;
        using (var response = await Client.Http.GetAsync(MdfsClient.DownloadPath("changing.mp4"), HttpCompletionOption.ResponseHeadersRead, Cancelled))
        {
            await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
            var read = new System.IO.Hashing.XxHash128();
            var start = new byte[1 << 20];
            await body.ReadExactlyAsync(start, Cancelled);
            read.Append(start);

            // The grace is zero here: only the open stream keeps the old version.
            await Patiently.StoreAsync(Client, "changing.mp4", @new, Cancelled);
            await BeatsAsync(8);
            await Client.AssertHoldsAsync("changing.mp4", @new, Cancelled);

            await read.AppendAsync(body, Cancelled);
            hash = Convert.ToHexStringLower(read.GetCurrentHash());
            Assert.Equal(old.Length, response.Content.Headers.ContentLength);
        }

        Assert.Equal(old.Hash, hash);
        await Eventually.TrueAsync(() => shared.OnDisk(version) == 0, "the old version goes when nobody reads it", MdfsClient.Patience, Cancelled);
        await Client.AssertHoldsAsync("changing.mp4", @new, Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    private Task BeatsAsync(int count) => Beats.PassAsync(shared.Cluster.Workers.Select(worker => worker.Address), count, Cancelled);

    public sealed class Fixture : SharedCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:SupersededGrace", "00:00:00")];
    }
}
