using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The console as a front keeps nothing of what passes through it, seen on its own process.</summary>
public sealed class WebStreamTests
{
    private const long MiB = 1 << 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gibibyte_in_either_direction_passes_in_bounded_memory_and_as_it_comes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is read from /proc.");
        await using var far = await WebFarSide.StartAsync(Cancelled);
        await using var web = Web(far.Address);
        await web.StartAsync();
        using var http = new HttpClient { BaseAddress = web.Address, Timeout = Timeout.InfiniteTimeSpan };
        await Eventually.TrueAsync(() => AnswersAsync(http), "the console answers", MdfsClient.Patience, Cancelled);

        await RoundAsync(http, 64 * MiB);
        var before = web.ResidentBytes;
        web.ForgetPeak();
        await RoundAsync(http, 1024 * MiB);
        var growth = web.PeakResidentBytes - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{before / MiB} MiB, at most {growth / MiB} MiB more.");
        Assert.True(growth <= 64 * MiB, $"It grew by {growth / MiB} MiB from {before / MiB} MiB.");

        // The first half of an upload is at the far side while the second has not been sent.
        var paused = new PausedContent(new MovieBytes(6, 8 * MiB), 4 * MiB);
        var upload = http.PutAsync("api/files/x.mp4", paused, Cancelled);
        await paused.Paused;
        // All but what HttpClient gathers in its own buffer, if the last piece was so small that it fits.
        await Eventually.TrueAsync(() => far.Taken > (4 * MiB) - 4096, "what was sent has arrived", MdfsClient.Patience, Cancelled);
        paused.GoOn();
        using var answer = await upload;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(8 * MiB, far.Taken);

        // What breaks off behind it is broken off in front of it: never silently short.
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetByteArrayAsync("broken", Cancelled));
    }

    private static async Task RoundAsync(HttpClient http, long length)
    {
        using var content = new StreamContent(new MovieBytes(5, length).Open(), 256 * 1024);
        content.Headers.ContentLength = length;
        using var taken = await http.PutAsync("api/files/x.mp4", content, Cancelled);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        await using var given = await http.GetStreamAsync($"download?length={length}", Cancelled);
        Assert.Equal(new MovieBytes(5, length).Hash, await HashAsync(given));
    }

    private static async Task<string> HashAsync(Stream stream)
    {
        var hash = new System.IO.Hashing.XxHash128();
        await hash.AppendAsync(stream, Cancelled);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        try
        {
            using var alive = await http.GetAsync("alive", Cancelled);
            return alive.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static ProcessNode Web(Uri master)
    {
        var port = TestPorts.Next();
        return new ProcessNode("web", port, () => ServiceProcess.Start("Mdfs.Web",
        [
            new("urls", $"http://127.0.0.1:{port}"),
            new("services:master:http:0", master.GetLeftPart(UriPartial.Authority)),
            // Nobody listens there: movies pass without it.
            new("ConnectionStrings:redis", $"127.0.0.1:{TestPorts.Next()}"),
            new("Mdfs:AdminKey", TestCluster.AdminKey),
            new("Mdfs:ClusterKey", WebRig.ClusterKey),
        ]));
    }
}
