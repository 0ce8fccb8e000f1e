using System.IO.Hashing;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>
/// What may happen to the worker that a movie comes from, done to real processes: the client sees one unbroken response with the very bytes, and waits no longer than it
/// must (design, sections 2.3 and 2.4).
/// </summary>
public sealed class StreamFailoverTests(StreamFailoverTests.OneCluster fixture) : IClassFixture<StreamFailoverTests.OneCluster>
{
    private const string Name = "playing.mp4";
    private static readonly MovieBytes Movie = new(8, 96 << 20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_killed_source_costs_two_seconds_at_most(bool front)
    {
        var pause = await PlayThroughAsync(front, source => source.KillAsync(), source => source.StartAsync());
        Assert.InRange(pause.TotalSeconds, 0, 2);
    }

    [Fact]
    public async Task A_silent_source_costs_the_idle_time_out()
    {
        var pause = await PlayThroughAsync(
            front: true,
            source =>
            {
                source.Freeze();
                return Task.CompletedTask;
            },
            source =>
            {
                source.Thaw();
                return Task.CompletedTask;
            });
        Assert.InRange(pause.TotalSeconds, 1, OneCluster.IdleTimeout.TotalSeconds + 2);
    }

    [Fact]
    public async Task Uploads_that_fall_silent_are_answered_and_are_nobodys_error()
    {
        // The bytes of a form in any case: what they are nobody has heard yet.
        const string Half = "--b\r\nContent-Disposition: form-data; name=\"movie\"; filename=\"silent.mp4\"\r\n\r\n0123456789";
        const string Rest = "0123456789\r\n--b--\r\n";
        var length = Half.Length + Rest.Length;
        await Task.WhenAll(
            SilentAsync($"PUT /api/files/silent.mp4 HTTP/1.1\r\nContent-Length: {length}", Half, Rest),
            SilentAsync("PUT /api/files/silent.mp4 HTTP/1.1\r\nTransfer-Encoding: chunked", $"{length:x}\r\n{Half}", $"{Rest}\r\n0\r\n\r\n"),
            SilentAsync($"POST /upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}", Half, Rest));
        Assert.Null(await Client.FactsAsync("silent.mp4", Cancelled));
        Assert.DoesNotContain("fail: Microsoft.AspNetCore", Cluster.Master.Output);
    }

    [Fact]
    public async Task A_cut_connection_costs_next_to_nothing()
    {
        var pause = await PlayThroughAsync(
            front: false,
            source =>
            {
                Cluster.Lane(source).Cut();
                return Task.CompletedTask;
            },
            _ => Task.CompletedTask);
        Assert.InRange(pause.TotalSeconds, 0, 2);
    }

    [Fact]
    public async Task A_source_that_becomes_far_too_slow_is_left()
    {
        var pause = await PlayThroughAsync(
            front: true,
            source =>
            {
                Cluster.Lane(source).BytesPerSecond = 40_000;
                return Task.CompletedTask;
            },
            source =>
            {
                Cluster.Lane(source).BytesPerSecond = long.MaxValue;
                Cluster.Lane(source).Cut();
                return Task.CompletedTask;
            });
        Assert.InRange(pause.TotalSeconds, 0, 2);
        Assert.True(await MetricAsync(true, "mdfs_source_failures_total{reason=\"TooSlow\"}") >= 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rotten_block_is_never_sent_and_its_copy_is_healed(bool front)
    {
        var version = (await Client.FactsAsync(Name, Cancelled))!.Version;
        var healed = false;
        await PlayThroughAsync(
            front,
            source =>
            {
                var path = ReplicaDirectory.Files(Cluster.WorkerDirectory(source)).Single(file => Path.GetFileName(file) == $"{version}");
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = Movie.Length - 1000;
                var value = file.ReadByte();
                file.Position--;
                file.WriteByte((byte)(value ^ 1));
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

    [Fact]
    public async Task When_nobody_can_go_on_the_connection_is_cut_and_never_ends_as_if_that_were_all()
    {
        await ReadyAsync();
        using var response = await OpenAsync(front: true);
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
            // Who asks now is told the same by both.
            var (master, front) = (await RawHttp.SendAsync(new Uri(Client.Master, $"api/files/{Name}/content"), "", Cancelled), await RawHttp.SendAsync(new Uri(Cluster.FrontEnd.Address, $"api/files/{Name}/content"), "", Cancelled));
            Assert.Equal((502, 502), (master.Status, front.Status));
            Assert.Contains("all-replicas-failed", System.Text.Encoding.UTF8.GetString(front.Body));
        }
        finally
        {
            foreach (var holder in holders) await holder.StartAsync();
        }
    }

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
        await Eventually.TrueAsync(async () => await StreamsAsync() == 0, "no worker sends any more", TimeSpan.FromSeconds(5), Cancelled);
        TestContext.Current.TestOutputHelper?.WriteLine($"freed after {TimeProvider.System.GetElapsedTime(left).TotalMilliseconds:0} ms");
        await Eventually.TrueAsync(
            async () => await Client.MetricAsync("mdfs_downloads_total{outcome=\"ClientGone\"}", Cancelled, 0) == gone + viewers.Count, "they are counted as gone", MdfsClient.Patience, Cancelled);
        Assert.Equal(failures, await Client.MetricAsync("mdfs_source_failures_total{reason=\"Unreachable\"}", Cancelled, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_player_that_pauses_gives_its_worker_back_and_goes_on_from_another_one_although_the_first_has_died(bool front)
    {
        await ReadyAsync();
        using var response = await OpenAsync(front);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var hash = new XxHash128();
        var buffer = new byte[1 << 20];
        await body.ReadExactlyAsync(buffer, Cancelled);
        hash.Append(buffer);
        await Eventually.TrueAsync(async () => await StreamsAsync() == 0, "the worker is given back", MdfsClient.Patience, Cancelled);

        var victim = Cluster.Worker((await Client.FactsAsync(Name, Cancelled))!.Holders.First());
        await victim.KillAsync();
        try
        {
            await hash.AppendAsync(body, Cancelled);
            Assert.Equal(Movie.Hash, Convert.ToHexStringLower(hash.GetCurrentHash()));
            Assert.True(await MetricAsync(front, "mdfs_downloads_resumed_total") >= 1);
        }
        finally
        {
            await victim.StartAsync();
        }
    }

    [Theory]
    [InlineData("deleted", false)]
    [InlineData("deleted", true)]
    [InlineData("overwritten", true)]
    public async Task A_movie_that_goes_while_it_plays_is_played_to_its_end_even_by_who_pauses_and_although_a_worker_dies(string what, bool front)
    {
        var (name, movie) = ($"{what} meanwhile {front}.mp4", new MovieBytes(17, 64 << 20));
        await ReadyAsync();
        await Client.StoreAsync(name, movie, Cancelled);
        await Eventually.TrueAsync(async () => (await Client.FactsAsync(name, Cancelled))!.Copies == 2, "two copies", MdfsClient.Patience, Cancelled);
        var holders = (await Client.FactsAsync(name, Cancelled))!.Holders.Select(Cluster.Worker).ToList();
        var direct = await RawHttp.SendAsync(new Uri(Client.Master, $"play?name={Uri.EscapeDataString(name)}&direct=1"), "", Cancelled);
        using var through = await Client.Http.GetAsync(new Uri(Server(front), MdfsClient.DownloadPath(name)), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        using var straight = await Client.Http.GetAsync(new Uri(direct["Location"]!), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        await using var body = await through.Content.ReadAsStreamAsync(Cancelled);
        await using var straightBody = await straight.Content.ReadAsStreamAsync(Cancelled);
        var (hash, straightHash) = (new XxHash128(), new XxHash128());
        await ReadAsync(body, hash);
        await ReadAsync(straightBody, straightHash);

        if (what == "deleted") (await Client.DeleteAsync(name, Cancelled)).Dispose();
        else await Client.StoreAsync(name, new MovieBytes(18, 1000), Cancelled);
        // The windows that were open keep their files; only with another one does the trash matter.
        await Eventually.TrueAsync(async () => await StreamsOfAsync(holders) <= 1, "the worker of the one who pauses is given back", MdfsClient.Patience, Cancelled);
        var victim = holders.Single(holder => !direct["Location"]!.Contains($":{holder.Address.Port}/", StringComparison.Ordinal));
        await victim.KillAsync();
        try
        {
            await hash.AppendAsync(body, Cancelled);
            await straightHash.AppendAsync(straightBody, Cancelled);
            Assert.Equal((movie.Hash, movie.Hash), (Convert.ToHexStringLower(hash.GetCurrentHash()), Convert.ToHexStringLower(straightHash.GetCurrentHash())));
            Assert.Equal(what == "deleted" ? 410 : 206, (await RawHttp.SendAsync(new Uri(direct["Location"]!), "Range: bytes=0-9", Cancelled)).Status);
            Assert.Equal(what == "deleted" ? null : 1000, (await Client.FactsAsync(name, Cancelled))?.Size);
        }
        finally
        {
            await victim.StartAsync();
        }

        static async Task ReadAsync(Stream body, XxHash128 hash)
        {
            var buffer = new byte[1 << 20];
            await body.ReadExactlyAsync(buffer, Cancelled);
            hash.Append(buffer);
        }
    }

    [Fact]
    public async Task Through_a_front_end_a_movie_goes_on_although_the_master_dies_and_a_worker_after_it()
    {
        await ReadyAsync();
        var holders = (await Client.FactsAsync(Name, Cancelled))!.Holders.Select(Cluster.Worker).ToList();
        using var response = await OpenAsync(front: true);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var hash = new XxHash128();
        var buffer = new byte[1 << 20];
        await body.ReadExactlyAsync(buffer, Cancelled);
        hash.Append(buffer);
        await Cluster.Master.KillAsync();
        // Paused meanwhile, so that with either of them gone a new window has to be opened, and the master is not there to be asked.
        await Eventually.TrueAsync(async () => await StreamsAsync() == 0, "the worker is given back", MdfsClient.Patience, Cancelled);
        await holders[0].KillAsync();
        try
        {
            Assert.Equal(503, (await RawHttp.SendAsync(new Uri(Server(front: true), $"play?name={Name}"), "", Cancelled)).Status);
            await hash.AppendAsync(body, Cancelled);
            Assert.Equal(Movie.Hash, Convert.ToHexStringLower(hash.GetCurrentHash()));
        }
        finally
        {
            await Cluster.StartMasterAsync(Cancelled);
            await holders[0].StartAsync();
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ProcessCluster Cluster => fixture.Cluster;

    private MdfsClient Client => fixture.Cluster.Client;

    /// <summary>Sends a part, hears that it took too long, and goes on all the same, as clients do that listen only at the end.</summary>
    private async Task SilentAsync(string request, string part, string rest)
    {
        using var connection = await RawConnection.OpenAsync(Client.Master, Cancelled);
        await connection.WriteAsync($"{request}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ProcessCluster.AdminKey}\r\nConnection: close\r\n\r\n{part}", Cancelled);
        Assert.StartsWith("HTTP/1.1 408", await connection.ReadToAsync("\r\n\r\n", Cancelled), StringComparison.Ordinal);
        try
        {
            await connection.WriteAsync(rest, Cancelled);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Kestrel takes it for five seconds; this machine was slower.
        }

        await connection.ReadToEndAsync(Cancelled);
    }

    /// <summary>Plays the movie, lets something happen to the worker it comes from, and returns the longest wait for a byte after that.</summary>
    private async Task<TimeSpan> PlayThroughAsync(bool front, Func<ProcessNode, Task> fault, Func<ProcessNode, Task> mend)
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
    private async Task ReadyAsync()
    {
        await Cluster.WaitForWorkersAsync(Cancelled);
        await Eventually.TrueAsync(
            async () => (await Client.FactsAsync(Name, Cancelled))!.Nodes is [{ State: "good" }, { State: "good" }] && await StreamsAsync() == 0,
            "two good copies, and nobody reads", MdfsClient.Patience, Cancelled);
    }

    /// <summary>Where the movie is asked for: the master, or a front end that sends it itself.</summary>
    private Uri Server(bool front) => front ? Cluster.FrontEnd.Address : Client.Master;

    private Task<HttpResponseMessage> OpenAsync(bool front) => Client.Http.GetAsync(new Uri(Server(front), $"play?name={Name}"), HttpCompletionOption.ResponseHeadersRead, Cancelled);

    private async Task<double> MetricAsync(bool front, string name)
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

    private Task<double> StreamsAsync() => StreamsOfAsync(Cluster.Workers);

    private async Task<double> StreamsOfAsync(IEnumerable<ProcessNode> workers)
    {
        var all = 0.0;
        foreach (var worker in workers) all += await StreamsAsync(worker);
        return all;
    }

    private async Task<double> StreamsAsync(ProcessNode worker)
    {
        string text;
        try
        {
            text = await Client.Http.GetStringAsync(new Uri(worker.Address, "metrics"), Cancelled);
        }
        catch (HttpRequestException)
        {
            // It does not listen (yet): neither none nor some.
            return double.NaN;
        }

        var line = text.Split('\n').First(line => line.StartsWith("mdfs_worker_streams", StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public sealed class OneCluster : IAsyncLifetime
    {
        public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(3);

        public ProcessCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            var cancelled = TestContext.Current.CancellationToken;
            Cluster = await ProcessCluster.StartAsync(cancelled, lanes: true, settings:
            [
                ("Mdfs:Master:IdleTimeout", $"{IdleTimeout}"), ("Mdfs:Master:PauseTimeout", "00:00:01"),
                ("Mdfs:Gateway:IdleTimeout", $"{IdleTimeout}"), ("Mdfs:Gateway:PauseTimeout", "00:00:01"),
                // What is frozen or killed for a moment shall be missed by nobody but its readers.
                ("Mdfs:Master:NodeTimeout", "00:00:20"), ("Mdfs:Master:CommitWait", "00:01:00"),
            ]);
            await Cluster.StartFrontEndAsync(cancelled);
            Assert.Equal(2, await Cluster.Client.StoreAsync(Name, Movie, cancelled));
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
