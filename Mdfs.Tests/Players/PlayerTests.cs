using System.Globalization;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>
/// The players that people have, on a movie whose index stands at its end, while the workers that hold it are killed and brought back one after the other: no error, no wrong
/// byte. Each seeks 20 times, and as often as it takes until a worker was killed meanwhile; <c>MDFS_PLAYER_SEEKS</c> says otherwise: 300 is the long lane, in which each lives through six.
/// </summary>
public sealed class PlayerTests(PlayerTests.RestlessCluster fixture) : IClassFixture<PlayerTests.RestlessCluster>
{
    private const string Name = "Long & 影片 100%.mp4";

    private static int Seeks { get; } = int.Parse(Environment.GetEnvironmentVariable("MDFS_PLAYER_SEEKS") ?? "20", CultureInfo.InvariantCulture);

    private static int Kills { get; } = Seeks >= 300 ? 6 : 1;

    /// <summary>Whole seconds all over the movie, the same in every run.</summary>
    private static int[] Seconds { get; } = [.. Enumerable.Range(0, Seeks).Select(Second)];

    [Fact]
    public async Task Ffprobe_finds_the_same_packets_wherever_it_seeks()
    {
        var intervals = string.Join(',', Seconds.Select(second => $"{second}%+#5"));
        string[] arguments =
        [
            "-v", "error", "-read_intervals", intervals, "-select_streams", "v", "-show_packets", "-show_data_hash", "md5", "-show_entries", "packet=pts,size,data_hash", "-of", "csv",
        ];
        var ffprobe = Tools.Require("ffprobe");
        Assert.Equal(await RealMovies.RunAsync(ffprobe, [.. arguments, await RealMovies.LongAsync()], Cancelled), await RealMovies.RunAsync(ffprobe, [.. arguments, Play], Cancelled));
    }

    [Fact]
    public async Task Ffmpeg_decodes_the_whole_movie_to_the_same_pictures_without_an_error()
    {
        string[] Arguments(string source) => ["-v", "error", "-xerror", "-i", source, "-map", "0:v", "-c", "copy", "-f", "hash", "-"];
        var ffmpeg = Tools.Require("ffmpeg");
        Assert.Equal(await RealMovies.RunAsync(ffmpeg, Arguments(await RealMovies.LongAsync()), Cancelled), await RealMovies.RunAsync(ffmpeg, Arguments(Play), Cancelled));
    }

    [Fact]
    public async Task Mpv_stands_where_it_was_sent_and_complains_of_nothing()
    {
        using var directory = new TempDirectory();
        await using var mpv = await Mpv.OpenAsync(new Uri(Play), directory.Path, Cancelled);
        await SeekAsync(async second => Assert.InRange(await mpv.SeekAsync(second, Cancelled), second - 0.1, second + 0.1));
        Assert.Empty(mpv.Complaints);
    }

    [Fact]
    public async Task Vlc_plays_where_it_was_sent()
    {
        using var directory = new TempDirectory();
        await using var vlc = await Vlc.OpenAsync(new Uri(Play), directory.Path, Cancelled);
        await SeekAsync(second => vlc.SeekAsync(second, Cancelled));
        Assert.DoesNotContain("http error", vlc.Output);
        Assert.DoesNotContain("access error", vlc.Output);
    }

    [Fact]
    public async Task A_video_element_in_Chromium_stands_where_it_was_sent()
    {
        using var directory = new TempDirectory();
        await using var chromium = await Chromium.StartAsync(directory.Path, Cancelled);
        Assert.InRange(await chromium.OpenAsync(new Uri(Play), Cancelled), RealMovies.LongSeconds - 1, RealMovies.LongSeconds + 1);
        await SeekAsync(async second => Assert.InRange(await chromium.SeekAsync(second, Cancelled), second - 0.1, second + 0.1));
    }

    [Fact]
    public async Task Aria2_puts_it_together_from_eight_connections()
    {
        using var directory = new TempDirectory();
        await RealMovies.RunAsync(
            Tools.Require("aria2c"),
            ["--no-conf", "-q", "-x8", "-s8", "-k1M", "--max-tries=1", "--file-allocation=none", "-d", directory.Path, "-o", "whole.mp4", Play], Cancelled);
        await AssertSameAsync(directory["whole.mp4"]);
    }

    [Fact]
    public async Task Curl_resumes_what_was_broken_off_again_and_again()
    {
        using var directory = new TempDirectory();
        var part = directory["part.mp4"];
        var whole = new FileInfo(await RealMovies.LongAsync()).Length;
        // Broken off by a limit on the time, as by a person: what has come stays.
        for (var began = TimeProvider.System.GetTimestamp(); !File.Exists(part) || new FileInfo(part).Length < whole;)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < MdfsClient.Patience, "it does not come to an end");
            await using var curl = ServiceProcess.Run(Tools.Require("curl"), ["--silent", "--show-error", "--noproxy", "*", "--limit-rate", "12M", "--max-time", "1", "-C", "-", "-o", part, Play]);
            var code = await curl.WaitForExitAsync(Cancelled);
            Assert.True(code is 0 or 28, $"curl ended with {code}: {curl.Output}");
        }

        await AssertSameAsync(part);
    }

    [Fact]
    public async Task Rclone_sees_a_folder_with_sizes_and_dates_copies_it_and_reads_pieces_of_it()
    {
        using var directory = new TempDirectory();
        var rclone = Tools.Require("rclone");
        string[] remote = ["--config", "/dev/null", "--http-url", new Uri(fixture.Master, "index/").AbsoluteUri, "--retries", "1", "--low-level-retries", "1"];
        var list = JsonDocument.Parse(await RealMovies.RunAsync(rclone, ["lsjson", ":http:", .. remote], Cancelled)).RootElement;
        var movie = list.EnumerateArray().Single(entry => entry.GetProperty("Name").GetString() == Name);
        Assert.Equal(new FileInfo(await RealMovies.LongAsync()).Length, movie.GetProperty("Size").GetInt64());
        Assert.InRange(movie.GetProperty("ModTime").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddMinutes(1));

        await RealMovies.RunAsync(rclone, ["copy", ":http:", directory["copy"], .. remote], Cancelled);
        await AssertSameAsync(Path.Combine(directory["copy"], Name));
        var piece = await RealMovies.RunAsync(rclone, ["hashsum", "md5", "--download", $":http:{Name}", .. remote], Cancelled);
        var bytes = await File.ReadAllBytesAsync(await RealMovies.LongAsync(), Cancelled);
#pragma warning disable CA5351 // rclone's choice, for comparing
        Assert.StartsWith(Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(bytes)), piece, StringComparison.Ordinal);
#pragma warning restore CA5351
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Play => new Uri(fixture.Master, $"index/{Uri.EscapeDataString(Name)}").AbsoluteUri;

    /// <summary>Seeks as often as it shall, and until enough workers were killed meanwhile; every other seek, at least, has to have been a request.</summary>
    private async Task SeekAsync(Func<int, Task> seekAsync)
    {
        var (kills, requests, seeks) = (fixture.Kills, await RequestsAsync(), 0);
        var began = TimeProvider.System.GetTimestamp();
        for (; seeks < Seeks || fixture.Kills < kills + Kills; seeks++)
        {
            await seekAsync(Second(seeks));
            if (TimeProvider.System.GetElapsedTime(began) > MdfsClient.Patience + TimeSpan.FromSeconds(Seeks)) Assert.Fail($"only {fixture.Kills - kills} workers were killed meanwhile");
        }

        (kills, requests) = (fixture.Kills - kills, await RequestsAsync() - requests);
        TestContext.Current.TestOutputHelper?.WriteLine($"{seeks} seeks, {requests} requests, {kills} kills in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0} s");
        Assert.InRange(requests, seeks / 2, int.MaxValue);
    }

    private static int Second(int seek) => (int)((uint)(seek * 2_654_435_761u) % (RealMovies.LongSeconds - 5));

    private async Task<double> RequestsAsync()
    {
        var all = 0.0;
        foreach (var outcome in (string[])["Completed", "ClientGone"]) all += await fixture.Client.MetricAsync($"mdfs_downloads_total{{outcome=\"{outcome}\"}}", Cancelled, 0);
        return all;
    }

    private static async Task AssertSameAsync(string path)
    {
        var expected = await File.ReadAllBytesAsync(await RealMovies.LongAsync(), Cancelled);
        var got = await File.ReadAllBytesAsync(path, Cancelled);
        Assert.True(expected.AsSpan().SequenceEqual(got), $"{path} is not the movie");
    }

    public sealed class RestlessCluster : IAsyncLifetime
    {
        private Unrest? _unrest;
        private ProcessCluster? _cluster;

        /// <summary>How often a worker was killed so far.</summary>
        public int Kills => _unrest!.Kills;

        public MdfsClient Client => _cluster!.Client;

        /// <summary>Skips the test where there is no movie.</summary>
        public Uri Master
        {
            get
            {
                Tools.Require("ffmpeg");
                return _cluster!.Client.Master;
            }
        }

        public async ValueTask InitializeAsync()
        {
            if (!Tools.TryFind("ffmpeg", out _)) return;
            var cancelled = TestContext.Current.CancellationToken;
            var path = await RealMovies.LongAsync();
            // Whoever is killed is back before he is missed: nothing is healed meanwhile. A cluster that waits so long for its nodes also waits longer with its name.
            _cluster = await ProcessCluster.StartAsync(cancelled, settings: [("Mdfs:Master:NodeTimeout", "00:00:30"), ("Mdfs:Master:CommitWait", "00:01:00")]);
            await using var file = File.OpenRead(path);
            using var stored = await _cluster.Client.PutAsync(Name, new StreamContent(file), cancelled);
            Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync(cancelled));
            _unrest = new Unrest(_cluster, Name);
        }

        public async ValueTask DisposeAsync()
        {
            if (_unrest is not null)
            {
                await _unrest.DisposeAsync();
                TestContext.Current.TestOutputHelper?.WriteLine($"workers were killed {_unrest.Kills} times");
            }

            if (_cluster is not null) await _cluster.DisposeAsync();
        }
    }
}
