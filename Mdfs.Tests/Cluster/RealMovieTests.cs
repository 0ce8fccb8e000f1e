using System.Net.Http.Headers;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Movies that ffmpeg made go in by curl, and come out for ffmpeg to play (design, sections 4 and 5; the classic contract).</summary>
public sealed class RealMovieTests(RealMovieTests.OneCluster fixture) : IClassFixture<RealMovieTests.OneCluster>
{
    public enum Kind
    {
        IndexAtEnd,
        FastStart,
        Webm,
    }

    [Theory]
    [InlineData(Kind.IndexAtEnd)]
    [InlineData(Kind.FastStart)]
    [InlineData(Kind.Webm)]
    public async Task A_movie_sent_by_curl_T_comes_back_byte_for_byte(Kind kind)
    {
        var path = await MakeAsync(kind);
        var name = $"put {kind}{Path.GetExtension(path)}";
        var answer = await CurlAsync("-H", $"Authorization: Bearer {TestCluster.AdminKey}", "-T", path, new Uri(Client.Master, MdfsClient.FilePath(name)).AbsoluteUri);
        Assert.Contains("\"copies\":2", answer);
        await AssertSameAsync(path, name);
    }

    [Theory]
    [InlineData(Kind.IndexAtEnd)]
    [InlineData(Kind.Webm)]
    public async Task A_movie_sent_by_the_classic_form_comes_back_byte_for_byte(Kind kind)
    {
        var path = await MakeAsync(kind);
        var name = $"form {kind}{Path.GetExtension(path)}";
        await CurlAsync("-F", $"secret={TestCluster.AdminKey}", "-F", $"movie=@{path};filename={name}", new Uri(Client.Master, "upload").AbsoluteUri);
        await AssertSameAsync(path, name);
        Assert.Equal(2, (await Client.FactsAsync(name, Cancelled))!.Copies);
    }

    [Theory]
    [InlineData(Kind.IndexAtEnd)]
    [InlineData(Kind.FastStart)]
    [InlineData(Kind.Webm)]
    public async Task A_player_sees_the_same_frames_over_HTTP_as_in_the_file_wherever_it_seeks(Kind kind)
    {
        var path = await MakeAsync(kind);
        var name = $"seek {kind}{Path.GetExtension(path)}";
        await StoreAsync(path, name);
        var url = new Uri(Client.Master, $"play?name={Uri.EscapeDataString(name)}").AbsoluteUri;

        Assert.Equal(await DurationAsync(path), await DurationAsync(url));
        foreach (var second in (int[])[RealMovies.Seconds - 3, 2, RealMovies.Seconds / 2])
            Assert.Equal(await FramesAsync(path, second), await FramesAsync(url, second));
    }

    [Fact]
    public async Task A_player_that_asks_for_the_index_at_the_end_gets_it_and_no_more()
    {
        var path = await MakeAsync(Kind.IndexAtEnd);
        await StoreAsync(path, "index.mp4");
        await AssertSameAsync(path, "index.mp4");
        var before = await Client.MetricAsync("mdfs_download_bytes_total", Cancelled);
        using var request = new HttpRequestMessage(HttpMethod.Get, "play?name=index.mp4") { Headers = { Range = new RangeHeaderValue(null, 4096) } };
        using var response = await Client.Http.SendAsync(request, Cancelled);
        var tail = await response.Content.ReadAsByteArrayAsync(Cancelled);
        var all = await File.ReadAllBytesAsync(path, Cancelled);
        Assert.Equal(all[^4096..], tail);
        Assert.Equal(before + 4096, await Client.MetricAsync("mdfs_download_bytes_total", Cancelled));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => fixture.Cluster.Client;

    private static Task<string> MakeAsync(Kind kind) => kind switch
    {
        Kind.IndexAtEnd => RealMovies.IndexAtEndAsync(),
        Kind.FastStart => RealMovies.FastStartAsync(),
        _ => RealMovies.WebmAsync(),
    };

    private static Task<string> CurlAsync(params string[] arguments) =>
        RealMovies.RunAsync(Tools.Require("curl"), ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", .. arguments], Cancelled);

    private static Task<string> DurationAsync(string source) =>
        RealMovies.RunAsync(Tools.Require("ffprobe"), ["-v", "error", "-show_entries", "format=duration:stream=codec_name,nb_frames", "-of", "csv", source], Cancelled);

    /// <summary>Checksums of the decoded pictures and sounds of a second from there on.</summary>
    private static Task<string> FramesAsync(string source, int second) =>
        RealMovies.RunAsync(Tools.Require("ffmpeg"), ["-v", "error", "-xerror", "-ss", $"{second}", "-i", source, "-t", "1", "-f", "framemd5", "-"], Cancelled);

    private async Task StoreAsync(string path, string name)
    {
        await using var file = File.OpenRead(path);
        using var response = await Client.PutAsync(name, new StreamContent(file), Cancelled);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancelled));
    }

    private async Task AssertSameAsync(string path, string name)
    {
        await using var file = File.OpenRead(path);
        Assert.Equal((MovieBytes.HashOf(file), file.Length), await Client.DownloadAsync(name, Cancelled));
        Assert.Equal([true, true], (await Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
    }

    /// <summary>One cluster for all of them: they do not disturb one another.</summary>
    public sealed class OneCluster : IAsyncLifetime
    {
        public TestCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await TestCluster.StartAsync(TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
