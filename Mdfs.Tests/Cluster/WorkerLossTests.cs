using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>A worker's process is killed: nobody who watches notices, and nothing is missing for long (design, sections 2.4, 4, 5 and 6).</summary>
public sealed class WorkerLossTests
{
    [Fact]
    public async Task A_killed_worker_is_missed_by_nobody_is_replaced_and_gives_up_its_surplus_when_it_returns()
    {
        // The delay keeps the gap open long enough to be seen.
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, settings: [("Mdfs:Master:RepairDelay", "00:00:02")]);
        var movies = await StoreAsync(cluster, 12);
        var victim = cluster.Worker((await cluster.Client.FactsAsync(movies.Keys.First(), Cancelled))!.Holders.First());

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var viewers = new[] { WatchAsync(cluster, movies, enough.Token), WatchAsync(cluster, movies, enough.Token) };
        await victim.KillAsync();

        await cluster.Client.WaitForNodesAsync(2, Cancelled);
        Assert.Contains("\"state\":\"silent\"", (await cluster.Client.AdminAsync("api/nodes", Cancelled)).GetRawText());
        await Eventually.TrueAsync(UnderReplicated, "movies are missing copies", MdfsClient.Patience, Cancelled);
        await cluster.Client.WaitForWholeAsync(movies.Count, Cancelled);
        Assert.DoesNotContain(await cluster.Client.ListAsync(Cancelled), file => file.Holders.Contains(victim.Name));

        await victim.StartAsync();
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await Eventually.TrueAsync(Trimmed, "surplus copies are trimmed, on the disks and in the catalog", MdfsClient.Patience, Cancelled);

        await enough.CancelAsync();
        Assert.All(await Task.WhenAll(viewers), rounds => Assert.True(rounds > 0, "no viewer saw all movies while this went on"));
        foreach (var (name, movie) in movies)
        {
            await cluster.Client.AssertHoldsAsync(name, movie, Cancelled);
            Assert.Equal([true, true], (await cluster.Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
        }

        async Task<bool> Trimmed() => cluster.Workers.Sum(worker => ReplicaDirectory.Files(cluster.WorkerDirectory(worker)).Count()) == 2 * movies.Count
            && (await cluster.Client.ListAsync(Cancelled)).All(file => file.Copies == 2);

        async Task<bool> UnderReplicated() => await cluster.Client.MetricAsync("mdfs_under_replicated_files", Cancelled) > 0;
    }

    [Fact]
    public async Task An_upload_goes_on_when_one_of_its_workers_is_killed_in_the_middle_and_its_lost_copy_is_made_up_for()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled);
        var movie = new MovieBytes(7, 48 << 20);
        using var content = new PausedContent(movie, pauseAt: movie.Length / 2);
        var upload = cluster.Client.PutAsync("growing.mp4", content, Cancelled);
        await content.Paused.WaitAsync(Cancelled);

        ProcessNode? target = null;
        await Eventually.TrueAsync(
            () => (target = cluster.Workers.FirstOrDefault(worker => Incoming(cluster, worker) > 0)) is not null, "a worker that writes the upload", MdfsClient.Patience, Cancelled);
        await target!.KillAsync();
        content.GoOn();

        using var response = await upload;
        var answer = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.True(response.IsSuccessStatusCode, answer);
        Assert.Contains("\"copies\":1", answer);
        await cluster.Client.AssertHoldsAsync("growing.mp4", movie, Cancelled);

        await cluster.Client.WaitForWholeAsync(1, Cancelled);
        var facts = (await cluster.Client.FactsAsync("growing.mp4", Cancelled))!;
        Assert.Equal(2, facts.Copies);
        Assert.DoesNotContain(target.Name, facts.Holders);

        // What it was in the middle of is no replica, and does not become one when it returns.
        await target.StartAsync();
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        Assert.Empty(ReplicaDirectory.Files(cluster.WorkerDirectory(target)));
        Assert.Equal([true, true], (await cluster.Client.VerifyAsync("growing.mp4", Cancelled)).Select(verdict => verdict.Valid));
    }

    [Fact]
    public async Task A_movie_keeps_playing_when_the_worker_that_sends_it_is_killed_in_the_middle()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled);
        var movie = new MovieBytes(8, 96 << 20);
        Assert.Equal(2, await cluster.Client.StoreAsync("playing.mp4", movie, Cancelled));

        using var response = await cluster.Client.Http.GetAsync(MdfsClient.DownloadPath("playing.mp4"), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var hash = new System.IO.Hashing.XxHash128();
        var buffer = new byte[1 << 20];
        for (var i = 0; i < 4; i++)
        {
            await body.ReadExactlyAsync(buffer, Cancelled);
            hash.Append(buffer);
        }

        // Far from its end: what connections can hold is a few MiB.
        ProcessNode? source = null;
        await Eventually.TrueAsync(async () => (source = await StreamingAsync(cluster)) is not null, "a worker that sends the movie", MdfsClient.Patience, Cancelled);
        await source!.KillAsync();

        await hash.AppendAsync(body, Cancelled);
        Assert.Equal(movie.Length, response.Content.Headers.ContentLength);
        Assert.Equal(movie.Hash, Convert.ToHexStringLower(hash.GetCurrentHash()));
        Assert.Equal(1, await cluster.Client.MetricAsync("mdfs_failovers_total", Cancelled));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static async Task<Dictionary<string, MovieBytes>> StoreAsync(ProcessCluster cluster, int count)
    {
        var movies = Enumerable.Range(1, count).ToDictionary(number => $"movie {number}.mp4", number => new MovieBytes((ulong)number, 300_000 + number));
        foreach (var (name, movie) in movies)
            Assert.Equal(2, await cluster.Client.StoreAsync(name, movie, Cancelled));
        return movies;
    }

    /// <summary>Downloads all movies again and again; fails when one is not whole. Returns how often it saw them all.</summary>
    private static async Task<int> WatchAsync(ProcessCluster cluster, Dictionary<string, MovieBytes> movies, CancellationToken enough)
    {
        for (var rounds = 0; ; rounds++)
        {
            foreach (var (name, movie) in movies)
            {
                if (enough.IsCancellationRequested)
                    return rounds;
                await cluster.Client.AssertHoldsAsync(name, movie, Cancelled);
            }
        }
    }

    private static long Incoming(ProcessCluster cluster, ProcessNode worker)
    {
        var directory = Path.Combine(cluster.WorkerDirectory(worker), "incoming");
        return new DirectoryInfo(directory).EnumerateFiles().Sum(file => file.Length);
    }

    private static async Task<ProcessNode?> StreamingAsync(ProcessCluster cluster)
    {
        var nodes = await cluster.Client.AdminAsync("api/nodes", Cancelled);
        return nodes.EnumerateArray().Where(node => node.GetProperty("streams").GetInt32() > 0)
            .Select(node => cluster.Worker(node.GetProperty("name").GetString()!)).FirstOrDefault();
    }
}
