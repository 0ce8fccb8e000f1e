using System.Net;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What every page of the console is sent with, in both of its homes.</summary>
public sealed partial class WebPageTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_page_and_file_forbids_foreign_script_frames_and_guesses()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        foreach (var address in (Uri[])[web.Address, shared.Client.Master])
        {
            using var visitor = new Visitor(address);
            await visitor.EnterAsync(Cancelled);
            foreach (var path in (string[])["", "movies", "nodes", "deletions", "activity", "settings", "not-found", "sign-in", "console.js", "_framework/blazor.web.js"])
            {
                using var page = await visitor.Http.GetAsync(path, Cancelled);
                var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
                Assert.Contains("script-src 'self';", policy);
                Assert.Contains("frame-ancestors 'none'", policy);
                Assert.Contains("default-src 'none'", policy);
                Assert.Equal("nosniff", Assert.Single(page.Headers.GetValues("X-Content-Type-Options")));
            }
        }
    }

    [Fact]
    public async Task An_unknown_address_is_a_page_for_a_person_and_a_sentence_for_everybody_else()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        foreach (var address in (Uri[])[web.Address, shared.Client.Master])
        {
            using var visitor = new Visitor(address);
            foreach (var (path, accept, type, said) in ((string, string, string, string)[])
            [
                ("nowhere", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "There is no such page"),
                ("movies/nowhere", "text/html", "text/html", "Back to the overview"),
                ("nowhere", "*/*", "text/plain", "There is nothing at this address."),
                ("nowhere", "text/html;q=0, */*", "text/plain", "There is nothing at this address."),
                ("api/nowhere", "text/html", "application/problem+json", "no-such-route"),
                // There is such an address, and no such movie at it.
                ("index/nowhere.mp4", "text/html", "text/plain", "nowhere.mp4"),
            ])
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, path);
                request.Headers.TryAddWithoutValidation("Accept", accept);
                request.Headers.TryAddWithoutValidation("Accept-Language", "en");
                using var answer = await visitor.Http.SendAsync(request, Cancelled);
                Assert.Equal((HttpStatusCode.NotFound, type), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
                Assert.Contains(said, await answer.Content.ReadAsStringAsync(Cancelled));
                if (type == "text/html") Assert.Contains("default-src 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
            }
        }
    }

    [Fact]
    public async Task Pages_name_no_other_host_and_all_their_files_are_there_and_small()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        foreach (var address in (Uri[])[web.Address, shared.Client.Master])
        {
            using var visitor = new Visitor(address);
            await visitor.EnterAsync(Cancelled);
            var page = await visitor.Http.GetStringAsync("", Cancelled);
            Assert.DoesNotContain("://", page);
            Assert.DoesNotContain("<script>", page);
            var files = Files().Matches(page).Select(match => match.Groups[1].Value).Distinct().ToList();
            Assert.True(files.Count >= 6, string.Join(' ', files));
            long total = 0;
            foreach (var file in files)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, file);
                request.Headers.Add("Accept-Encoding", "gzip, br");
                using var answer = await visitor.Http.SendAsync(request, Cancelled);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.True(!file.Contains("?v=") || answer.Headers.CacheControl is { MaxAge.TotalDays: > 300 }, file);
                total += answer.Content.Headers.ContentLength!.Value;
            }

            Assert.True(total < 220_000, $"The first load takes {total} bytes.");
        }
    }

    [Theory]
    [InlineData("zh-CN,zh;q=0.9,en;q=0.5", null, "zh-Hans", "管理密钥")]
    [InlineData("zh-TW", null, "zh-Hans", "管理密钥")]
    [InlineData("de-DE,en;q=0.5,zh;q=0.4", null, "en", "Admin key")]
    [InlineData("fr", null, "en", "Admin key")]
    [InlineData(null, null, "en", "Admin key")]
    [InlineData("en", "zh-Hans", "zh-Hans", "管理密钥")]
    [InlineData("zh", "en", "en", "Admin key")]
    [InlineData("zh", "<script>", "zh-Hans", "管理密钥")]
    public async Task The_language_is_the_browsers_unless_somebody_chose_another(string? accepted, string? chosen, string language, string word)
    {
        using var visitor = new Visitor(shared.Client.Master);
        using var request = new HttpRequestMessage(HttpMethod.Get, "sign-in");
        if (accepted is not null) request.Headers.Add("Accept-Language", accepted);
        if (chosen is not null) visitor.Cookies.Add(shared.Client.Master, new Cookie("mdfs-language", chosen));
        using var answer = await visitor.Http.SendAsync(request, Cancelled);
        var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Cancelled));
        Assert.Contains($"<html lang=\"{language}\"", page);
        Assert.Contains(word, page);
    }

    [Fact]
    public async Task A_host_name_that_is_not_ours_gets_no_page()
    {
        using var visitor = new Visitor(shared.Client.Master);
        using var request = new HttpRequestMessage(HttpMethod.Get, "sign-in");
        request.Headers.Host = "rebound.evil.example";
        using var answer = await visitor.Http.SendAsync(request, Cancelled);
        Assert.Equal((HttpStatusCode)421, answer.StatusCode);
    }

    [GeneratedRegex("(?:src|href)=\"(/[^\"]+\\.(?:js|css|svg)[^\"]*)\"")]
    private static partial Regex Files();
}
