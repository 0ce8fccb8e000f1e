using System.IO.Hashing;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>By the way that a service takes where it has the choice, and through a front end.</summary>
public sealed class StreamFailoverTests(StreamFailoverTests.OneCluster fixture) : StreamFailoverContract(fixture), IClassFixture<StreamFailoverTests.OneCluster>
{
    [Fact]
    public Task Through_a_front_end_a_killed_source_costs_two_seconds_at_most() => KilledAsync(front: true);

    [Fact]
    public Task Through_a_front_end_a_rotten_block_is_never_sent_and_its_copy_is_healed() => RottenAsync(front: true);

    [Fact]
    public Task Through_a_front_end_the_connection_is_cut_when_nobody_can_go_on() => NobodyAsync(front: true);

    [Fact]
    public Task Through_a_front_end_a_player_that_pauses_goes_on_from_another_worker_although_the_first_has_died() => PausedAsync(front: true);

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
        Assert.InRange(pause.TotalSeconds, 1, StreamCluster.IdleTimeout.TotalSeconds + 2);
    }

    [Fact]
    public async Task Uploads_that_fall_silent_are_answered_and_are_nobodys_error()
    {
        // A master that was killed in the first seconds of a new cluster has a successor that waits for further workers, and until then deletes nothing and knows of no name that it is free.
        await Client.WaitForCatalogAsync(Cancelled);
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
    [InlineData("deleted", false)]
    [InlineData("deleted", true)]
    [InlineData("overwritten", true)]
    public async Task A_movie_that_goes_while_it_plays_is_played_to_its_end_even_by_who_pauses_and_although_a_worker_dies(string what, bool front)
    {
        var (name, movie) = ($"{what} meanwhile {front}.mp4", new MovieBytes(17, 64 << 20));
        await ReadyAsync();
        // A master that was killed in the first seconds of a new cluster has a successor that waits for further workers, and until then deletes nothing and knows of no name that it is free.
        await Client.WaitForCatalogAsync(Cancelled);
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

        if (what == "deleted") await Client.AdminAsync(HttpMethod.Delete, MdfsClient.FilePath(name), System.Net.HttpStatusCode.OK, Cancelled);
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

    public sealed class OneCluster : StreamCluster
    {
        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            var cancelled = TestContext.Current.CancellationToken;
            await Cluster.StartFrontEndAsync(cancelled);
            Assert.True(await SplicedAsync(cancelled) > 0 || !OperatingSystem.IsLinux(), "The system passes nothing on by itself.");
        }
    }
}
