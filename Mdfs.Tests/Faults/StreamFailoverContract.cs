using System.IO.Hashing;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>
/// What may happen to the worker that a movie comes from, done to real processes: the client sees one unbroken response with the very bytes, and waits no longer than it
/// must (design, sections 2.3 and 2.4). What is asked of the master here has to hold whichever way it sends movies, on its loops or without them.
/// </summary>
public abstract class StreamFailoverContract(StreamCluster fixture)
{
    protected const string Name = StreamCluster.Name;

    protected static MovieBytes Movie => StreamCluster.Movie;

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    protected ProcessCluster Cluster => fixture.Cluster;

    protected MdfsClient Client => fixture.Cluster.Client;

    [Fact]
    public Task A_killed_source_costs_two_seconds_at_most() => KilledAsync(front: false);

    [Fact]
    public Task A_rotten_block_is_never_sent_and_its_copy_is_healed() => RottenAsync(front: false);

    [Fact]
    public Task When_nobody_can_go_on_the_connection_is_cut_and_never_ends_as_if_that_were_all() => NobodyAsync(front: false);

    [Fact]
    public async Task A_client_that_leaves_frees_its_worker_at_once_and_is_nobodys_failure()
    {
        await ReadyAsync();
        var failures = await Client.MetricAsync("mdfs_source_failures_total{reason=\"Unreachable\"}", Cancelled, 0);
        var gone = await Client.MetricAsync("mdfs_downloads_total{outcome=\"ClientGone\"}", Cancelled, 0);
        var viewers = new List<RawConnection>();
        for (var i = 0; i < 10; i++)
        {
            var viewer = await RawConnection.OpenAsync(Client.Master, Cancelled);
            await viewer.WriteAsync($"GET /play?name={Name} HTTP/1.1\r\nHost: {Client.Master.Authority}\r\nRange: bytes={i}-\r\n\r\n", Cancelled);
            viewers.Add(viewer);
        }

        await Eventually.TrueAsync(async () => await StreamsAsync() == viewers.Count, "all are being served", MdfsClient.Patience, Cancelled);
        foreach (var viewer in viewers) viewer.Cut();
        var left = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(async () => await StreamsAsync() == 0, "no worker sends any more", TimeSpan.FromSeconds(15), Cancelled);
        TestContext.Current.TestOutputHelper?.WriteLine($"freed after {TimeProvider.System.GetElapsedTime(left).TotalMilliseconds:0} ms");
        await Eventually.TrueAsync(
            async () => await Client.MetricAsync("mdfs_downloads_total{outcome=\"ClientGone\"}", Cancelled, 0) == gone + viewers.Count, "they are counted as gone", MdfsClient.Patience, Cancelled);
        Assert.Equal(failures, await Client.MetricAsync("mdfs_source_failures_total{reason=\"Unreachable\"}", Cancelled, 0));
    }

    [Fact]
    public Task A_player_that_pauses_gives_its_worker_back_and_goes_on_from_another_one_although_the_first_has_died() => PausedAsync(front: false);

    protected async Task KilledAsync(bool front)
    {
        var pause = await PlayThroughAsync(front, source => source.KillAsync(), source => source.StartAsync());
        Assert.InRange(pause.TotalSeconds, 0, 2);
    }

    protected async Task RottenAsync(bool front)
    {
        var version = (await Client.FactsAsync(Name, Cancelled))!.Version;
        var healed = false;
        await PlayThroughAsync(
            front,
            source =>
            {
                var path = ReplicaDirectory.Files(Cluster.WorkerDirectory(source)).Single(file => Path.GetFileName(file) == $"{version}");
                BitRot.Flip(path, Movie.Length - 1000);
                return Task.CompletedTask;
            },
            async _ =>
            {
                await Eventually.TrueAsync(
                    async () => (await Client.FactsAsync(Name, Cancelled))!.Copies == 2 && (await Client.VerifyAsync(Name, Cancelled)).All(verdict => verdict.Valid),
                    "the rotten copy is healed", MdfsClient.Patience, Cancelled);
                healed = true;
            });
        Assert.True(healed);
    }

    protected async Task NobodyAsync(bool front)
    {
        await ReadyAsync();
        using var response = await OpenAsync(front);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var buffer = new byte[1 << 20];
        await body.ReadExactlyAsync(buffer, Cancelled);
        var holders = (await Client.FactsAsync(Name, Cancelled))!.Holders.Select(Cluster.Worker).ToList();
        Assert.Equal(2, holders.Count);
        foreach (var holder in holders) await holder.KillAsync();
        try
        {
            var read = (long)buffer.Length;
            var ending = await Record.ExceptionAsync(async () =>
            {
                for (int count; (count = await body.ReadAsync(buffer, Cancelled)) > 0;) read += count;
            });
            Assert.IsAssignableFrom<IOException>(ending);
            Assert.InRange(read, buffer.Length, Movie.Length - 1);
            var refusal = await RawHttp.SendAsync(new Uri(Server(front), $"api/files/{Name}/content"), "", Cancelled);
            Assert.Equal(502, refusal.Status);
            Assert.Contains("all-replicas-failed", System.Text.Encoding.UTF8.GetString(refusal.Body));
            // By its name, which is what an operator whom the alert has woken looks for.
            await Eventually.TrueAsync(() => (front ? Cluster.FrontEnd : Cluster.Master).Output.Contains($"No replica of '{Name}' (version ", StringComparison.Ordinal), "the log names the movie", MdfsClient.Patience, Cancelled);
        }
        finally
        {
            foreach (var holder in holders) await holder.StartAsync();
        }
    }

    protected async Task PausedAsync(bool front)
    {
        await ReadyAsync();
        var before = await MetricAsync(front, "mdfs_downloads_resumed_total");
        var sent = await SentAsync();
        using var response = await OpenAsync(front);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var hash = new XxHash128();
        var buffer = new byte[1 << 20];
        await body.ReadExactlyAsync(buffer, Cancelled);
        hash.Append(buffer);
        await Eventually.TrueAsync(async () => await StreamsAsync() == 0, "the worker is given back", MdfsClient.Patience, Cancelled);

        var victim = Assert.Single(await SentAsync(), now => now.Value > sent[now.Key]).Key;
        await victim.KillAsync();
        try
        {
            await hash.AppendAsync(body, Cancelled);
            Assert.Equal(Movie.Hash, Convert.ToHexStringLower(hash.GetCurrentHash()));
            // At least: on a busy machine this client may pause once more, without wishing to.
            Assert.InRange(await MetricAsync(front, "mdfs_downloads_resumed_total"), before + 1, double.MaxValue);
        }
        finally
        {
            await victim.StartAsync();
        }
    }

    /// <summary>Plays the movie, lets something happen to the worker it comes from, and returns the longest wait for a byte after that.</summary>
    protected async Task<TimeSpan> PlayThroughAsync(bool front, Func<ProcessNode, Task> fault, Func<ProcessNode, Task> mend)
    {
        await ReadyAsync();
        var before = await MetricAsync(front, "mdfs_failovers_total");
        using var response = await OpenAsync(front);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var hash = new XxHash128();
        var buffer = new byte[1 << 20];
        ProcessNode? source = null;
        // Bit by bit until the worker has told that it is sending: what connections can hold is a few MiB.
        for (var read = 0; source is null && read < 16; read++)
        {
            await body.ReadExactlyAsync(buffer, Cancelled);
            hash.Append(buffer);
            source = await SourceAsync();
        }

        Assert.NotNull(source);
        await fault(source);
        var longest = TimeSpan.Zero;
        try
        {
            while (true)
            {
                var asked = TimeProvider.System.GetTimestamp();
                var count = await body.ReadAsync(buffer, Cancelled);
                var waited = TimeProvider.System.GetElapsedTime(asked);
                if (waited > longest) longest = waited;
                if (count == 0) break;
                hash.Append(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            await mend(source);
        }

        Assert.Equal(Movie.Hash, Convert.ToHexStringLower(hash.GetCurrentHash()));
        // Counted when the answer has ended at the sender, which is after its last byte is here.
        await Eventually.TrueAsync(async () => await MetricAsync(front, "mdfs_failovers_total") > before, "the failover is counted", MdfsClient.Patience, Cancelled);
        Assert.Equal(before + 1, await MetricAsync(front, "mdfs_failovers_total"));
        TestContext.Current.TestOutputHelper?.WriteLine($"longest pause {longest.TotalSeconds:0.000} s");
        return longest;
    }

    /// <summary>Two live copies, no third one anywhere, and nobody reading: what an earlier test did is mended.</summary>
    protected async Task ReadyAsync()
    {
        await Cluster.WaitForWorkersAsync(Cancelled);
        await Eventually.TrueAsync(
            async () => (await Client.FactsAsync(Name, Cancelled))!.Nodes is [{ State: "good" }, { State: "good" }] && await StreamsAsync() == 0,
            "two good copies, and nobody reads", MdfsClient.Patience, Cancelled);
    }

    /// <summary>Where the movie is asked for: the master, or a front end that sends it itself.</summary>
    protected Uri Server(bool front) => front ? Cluster.FrontEnd.Address : Client.Master;

    protected Task<HttpResponseMessage> OpenAsync(bool front) => Client.Http.GetAsync(new Uri(Server(front), $"play?name={Name}"), HttpCompletionOption.ResponseHeadersRead, Cancelled);

    protected async Task<double> MetricAsync(bool front, string name)
    {
        using var client = new MdfsClient(Server(front), ProcessCluster.AdminKey);
        return await client.MetricAsync(name, Cancelled, 0, front ? "web/metrics" : "metrics");
    }

    private async Task<ProcessNode?> SourceAsync()
    {
        foreach (var worker in Cluster.Workers)
        {
            if (await StreamsAsync(worker) > 0) return worker;
        }

        return null;
    }

    private async Task<Dictionary<ProcessNode, double>> SentAsync()
    {
        var sent = new Dictionary<ProcessNode, double>();
        foreach (var worker in Cluster.Workers) sent[worker] = await ProcessCluster.WorkerMetricAsync(worker, "mdfs_worker_sent_bytes_total", Cancelled, 0);
        return sent;
    }

    protected Task<double> StreamsAsync() => StreamsOfAsync(Cluster.Workers);

    protected async Task<double> StreamsOfAsync(IEnumerable<ProcessNode> workers)
    {
        var all = 0.0;
        foreach (var worker in workers) all += await StreamsAsync(worker);
        return all;
    }

    private static Task<double> StreamsAsync(ProcessNode worker) => ProcessCluster.WorkerMetricAsync(worker, "mdfs_worker_streams", Cancelled);
}
