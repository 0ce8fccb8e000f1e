using System.Net;
using System.Net.Http.Headers;
using Mdfs.Tests.Support;
using Mdfs.Web.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>One origin: whatever is not the console's goes to the master and comes back as it is.</summary>
public sealed class WebForwardTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_movie_passes_byte_for_byte_in_both_directions_with_ranges_and_head()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new MdfsClient(web.Address, TestCluster.AdminKey);
        var movie = new MovieBytes(71, 5_000_001);
        Assert.Equal(2, await client.StoreAsync("through the console.mp4", movie, Cancelled));
        await client.AssertHoldsAsync("through the console.mp4", movie, Cancelled);
        await shared.Client.AssertHoldsAsync("through the console.mp4", movie, Cancelled);

        foreach (var range in (string[])["bytes=0-0", "bytes=1000000-3999999", "bytes=-7", "bytes=4999990-", "bytes=9999999-", "bytes=0-1,5-9"])
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
            {
                using var direct = await AskAsync(shared.Client, method, range);
                using var through = await AskAsync(client, method, range);
                Assert.Equal(direct.StatusCode, through.StatusCode);
                Assert.Equal(direct.Content.Headers.ContentLength, through.Content.Headers.ContentLength);
                Assert.Equal($"{direct.Content.Headers.ContentRange}", $"{through.Content.Headers.ContentRange}");
                Assert.Equal(direct.Headers.ETag, through.Headers.ETag);
                Assert.Equal("nosniff", Assert.Single(through.Headers.GetValues("X-Content-Type-Options")));
                Assert.Equal($"{direct.Content.Headers.ContentDisposition}", $"{through.Content.Headers.ContentDisposition}");
                if (range.Contains(',')) continue;
                Assert.Equal(await direct.Content.ReadAsByteArrayAsync(Cancelled), await through.Content.ReadAsByteArrayAsync(Cancelled));
            }
        }
    }

    [Fact]
    public async Task Movies_have_connections_of_their_own_so_that_the_masters_loops_answer_them_whatever_else_the_console_was_asked()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new MdfsClient(web.Address, TestCluster.AdminKey);
        var movie = new MovieBytes(75, 300_000);
        const string Name = "by loops.mp4";
        await client.StoreAsync(Name, movie, Cancelled);
        var content = $"{MdfsClient.FilePath(Name)}/content";
        var before = await OnLoopsAsync();
        string[] addresses = [$"{MdfsClient.DownloadPath(Name)}", $"play?name={Uri.EscapeDataString(Name)}", content, $"index/{Uri.EscapeDataString(Name)}"];
        for (var round = 1; round <= 3; round++)
        {
            // Each of them takes the connection that it comes by from its loop.
            foreach (var other in (string[])["stats", "api/files", MdfsClient.FilePath(Name), $"{content}?direct=0"]) (await client.Http.GetAsync(other, Cancelled)).Dispose();
            foreach (var (header, value) in ((string, string)[])[("If-None-Match", "*"), ("Range", "bytes=0-1,5-6"), ("Origin", "https://player.example")])
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, content);
                request.Headers.TryAddWithoutValidation(header, value);
                (await client.Http.SendAsync(request, Cancelled)).Dispose();
            }

            foreach (var address in addresses)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.Range = new RangeHeaderValue(1000, 1999);
                // As a browser that is signed in, and a player that comes by way of a proxy.
                request.Headers.TryAddWithoutValidation("Cookie", "mdfs-session=nobody");
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", "192.0.2.1");
                using var part = await client.Http.SendAsync(request, Cancelled);
                Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
                Assert.Equal(movie.ToArray()[1000..2000], await part.Content.ReadAsByteArrayAsync(Cancelled));
            }

            // Counted when the last byte is with the system, which may be after it is here.
            var expected = before + (round * addresses.Length);
            await Eventually.TrueAsync(async () => await OnLoopsAsync() >= expected, "loops have answered", MdfsClient.Patience, Cancelled);
            Assert.Equal(expected, await OnLoopsAsync());
        }

        Task<double> OnLoopsAsync() => shared.Client.MetricAsync("mdfs_loop_requests_total", Cancelled, 0);
    }

    [Theory]
    [InlineData("a b.mp4")]
    [InlineData("50% off + more?.mp4")]
    [InlineData("\"quotes\" & <tags> 'n' #hash;semi 🎬.webm")]
    [InlineData("七人の侍.mkv")]
    public async Task Names_pass_as_they_are(string name)
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new MdfsClient(web.Address, TestCluster.AdminKey);
        var movie = new MovieBytes(72, 1000);
        await client.StoreAsync(name, movie, Cancelled);
        Assert.Equal(name, (await shared.Client.FactsAsync(name, Cancelled))?.Name);
        await client.AssertHoldsAsync(name, movie, Cancelled);
        using var gone = await client.DeleteAsync(name, Cancelled);
        Assert.Equal(HttpStatusCode.OK, gone.StatusCode);
    }

    [Fact]
    public async Task An_encoded_slash_stays_encoded_on_its_way()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new HttpClient { BaseAddress = web.Address };
        foreach (var path in (string[])["/api/files/a%2Fb.mp4", "/api/files/..%2F..%2Fx.mp4", "/api/files/%252F.mp4", "/download?name=a%2Fb.mp4"])
        {
            var asItIs = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
            using var through = await client.GetAsync(new Uri(web.Address.GetLeftPart(UriPartial.Authority) + path, in asItIs), Cancelled);
            using var direct = await client.GetAsync(new Uri(shared.Client.Master.GetLeftPart(UriPartial.Authority) + path, in asItIs), Cancelled);
            Assert.Equal(direct.StatusCode, through.StatusCode);
            Assert.Equal(Stable(await direct.Content.ReadAsStringAsync(Cancelled)), Stable(await through.Content.ReadAsStringAsync(Cancelled)));
        }

        static string Stable(string problem) => System.Text.RegularExpressions.Regex.Replace(problem, "\"traceId\":\"[^\"]*\"", "");
    }

    [Fact]
    public async Task The_classic_routes_answer_on_the_consoles_origin()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new MdfsClient(web.Address, TestCluster.AdminKey);
        using var form = new ByteArrayContent(new MovieBytes(73, 4000).ToArray());
        using var stored = await client.PostFormAsync("classic.mp4", form, Cancelled);
        Assert.Equal(HttpStatusCode.OK, stored.StatusCode);
        Assert.Equal(3, await client.MetricAsync("mdfs_active_nodes", Cancelled));
        Assert.Contains("active_nodes", await client.Http.GetStringAsync("stats", Cancelled));
        Assert.Contains("classic.mp4", await client.Http.GetStringAsync("search?query=classic", Cancelled));
        Assert.Contains("\"openapi\"", await client.Http.GetStringAsync("openapi/v1.json", Cancelled));
        // Links in a playlist lead to where the list was asked for.
        Assert.Contains($"{web.Address.GetLeftPart(UriPartial.Authority)}/index/classic.mp4", await client.Http.GetStringAsync("api/playlist.m3u8", Cancelled));
        using var deleted = await client.Http.GetAsync($"delete?name=classic.mp4&secret={Uri.EscapeDataString(TestCluster.AdminKey)}", Cancelled);
        Assert.StartsWith("OK:", await deleted.Content.ReadAsStringAsync(Cancelled));
    }

    [Fact]
    public async Task Pages_of_other_origins_read_through_the_console_as_from_the_master_which_alone_allows_it_or_both()
    {
        (string, string) allowed = ("Mdfs:Cors:AllowedOrigins", "https://player.example, https://other.example");
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, settings: allowed);
        await cluster.Client.StoreAsync("cross.mp4", new MovieBytes(74, 4000), Cancelled);
        await using var web = await WebRig.StartAsync(cluster, Cancelled);
        await using var front = await WebRig.StartFrontEndAsync(cluster, Cancelled);
        await using var allowingWeb = await WebRig.StartAsync(cluster, Cancelled, allowed);
        await using var allowingFront = await WebRig.StartFrontEndAsync(cluster, Cancelled, allowed);
        foreach (var server in (Uri[])[cluster.Client.Master, web.Address, front.Address, allowingWeb.Address, allowingFront.Address])
        {
            var movie = new Uri(server, "play?name=cross.mp4");
            var read = await RawHttp.SendAsync(movie, "Origin: https://player.example\nRange: bytes=0-9", Cancelled);
            Assert.Equal((206, "https://player.example"), (read.Status, read["Access-Control-Allow-Origin"]));
            Assert.Contains("Content-Range", read["Access-Control-Expose-Headers"]);
            Assert.Contains("Origin", read["Vary"]);
            var preflight = await RawHttp.SendAsync(movie, "OPTIONS\nOrigin: https://player.example\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: range", Cancelled);
            Assert.Equal((204, "https://player.example"), (preflight.Status, preflight["Access-Control-Allow-Origin"]));
            Assert.Null((await RawHttp.SendAsync(movie, "Origin: https://elsewhere.example", Cancelled))["Access-Control-Allow-Origin"]);
        }
    }

    [Fact]
    public async Task What_nodes_say_to_one_another_does_not_pass()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new HttpClient { BaseAddress = web.Address };
        using var answer = await client.PostAsync("internal/beats", null, Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task What_a_client_says_about_proxies_reaches_nobody()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var client = new HttpClient { BaseAddress = web.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/playlist.m3u8");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("Forwarded", "host=evil.example");
        using var answer = await client.SendAsync(request, Cancelled);
        Assert.DoesNotContain("evil", await answer.Content.ReadAsStringAsync(Cancelled));
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "api/files");
        foreign.Headers.Host = "rebound.evil.example";
        using var refused = await client.SendAsync(foreign, Cancelled);
        Assert.Equal((HttpStatusCode)421, refused.StatusCode);
    }

    [Fact]
    public async Task What_a_request_says_is_passed_on_or_refused_and_never_held_against_the_master()
    {
        const string Name = "odd headers.mp4";
        await shared.Client.StoreAsync(Name, new MovieBytes(76, 4000), Cancelled);
        (string, string) other = ("services:master:http:1", $"http://127.0.0.1:{TestPorts.Next()}");
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, other);
        await using var front = await WebRig.StartFrontEndAsync(shared.Cluster, Cancelled, other);
        foreach (var server in (WebRig[])[web, front])
        {
            var addresses = server.Services.GetRequiredService<MasterAddresses>();
            var before = addresses.Current;
            foreach (var (header, status) in ((string, int)[])[("User-Agent: 播放器/1.0", 206), ("Referer: http://x/фильм", 206), ("Host: localhost:99999", 400)])
            {
                foreach (var path in (string[])[MdfsClient.DownloadPath(Name), $"{MdfsClient.FilePath(Name)}/content?direct=0"])
                {
                    var answer = await RawHttp.SendAsync(new Uri(server.Address, path), $"{header}\nRange: bytes=0-9", Cancelled);
                    Assert.Equal((header, status, path, before), (header, answer.Status, path, addresses.Current));
                }
            }
        }
    }

    private static async Task<HttpResponseMessage> AskAsync(MdfsClient client, HttpMethod method, string range)
    {
        using var request = new HttpRequestMessage(method, MdfsClient.DownloadPath("through the console.mp4"));
        request.Headers.Range = RangeHeaderValue.Parse(range);
        return await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
    }
}
