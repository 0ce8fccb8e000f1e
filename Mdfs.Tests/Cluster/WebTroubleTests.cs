using System.Net;
using Mdfs.Tests.Support;
using Mdfs.Web.Api;
using Mdfs.Web.Sessions;
using Mdfs.Web.Watching;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>The console while the master or Redis is away: it says so, opens nothing that it should not, and recovers by itself.</summary>
public sealed class WebTroubleTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_Redis_is_away_a_new_console_says_so_serves_the_api_and_opens_when_it_is_back()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        await web.StopAsync();
        await shared.Cluster.Cluster.StopStoreAsync();
        try
        {
            await web.StartAsync(Cancelled);
            using var visitor = web.Visit();
            using (var page = await visitor.Http.GetAsync("sign-in", Cancelled))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
                Assert.Contains("Redis does not answer", WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync(Cancelled)));
                Assert.NotNull(page.Headers.RetryAfter);
            }

            Assert.Contains("active_nodes", await visitor.Http.GetStringAsync("stats", Cancelled));
            await shared.Cluster.Cluster.StartStoreAsync(Cancelled);
            await Eventually.TrueAsync(async () =>
            {
                using var page = await visitor.Http.GetAsync("sign-in", Cancelled);
                return page.IsSuccessStatusCode;
            }, "the sign-in page is back", MdfsClient.Patience, Cancelled);
            await visitor.EnterAsync(Cancelled);
            Assert.True(await visitor.IsInsideAsync(Cancelled));
        }
        finally
        {
            await shared.Cluster.Cluster.StartStoreAsync(Cancelled);
        }
    }

    [Fact]
    public async Task Who_is_signed_in_stays_so_while_Redis_is_away_nobody_new_comes_in_and_signing_out_holds()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var visitor = await web.Visit().EnterAsync(Cancelled);
        using var leaving = await web.Visit().EnterAsync(Cancelled);
        Assert.True(await visitor.IsInsideAsync(Cancelled));
        Assert.True(await leaving.IsInsideAsync(Cancelled));
        var kept = leaving.Cookies.GetAllCookies().Single(cookie => cookie.Name == SessionCookie.Name).Value;
        await shared.Cluster.Cluster.StopStoreAsync();
        try
        {
            Assert.True(await visitor.IsInsideAsync(Cancelled));
            using (var newcomer = web.Visit())
            using (var refused = await newcomer.SignInAsync(TestCluster.AdminKey, Cancelled))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                Assert.Contains("nobody can sign in", await refused.Content.ReadAsStringAsync(Cancelled));
            }

            using (await leaving.SignOutAsync(Cancelled))
            {
                leaving.Cookies.Add(web.Address, new Cookie(SessionCookie.Name, kept));
                Assert.False(await leaving.IsInsideAsync(Cancelled));
            }
        }
        finally
        {
            await shared.Cluster.Cluster.StartStoreAsync(Cancelled);
        }

        await Eventually.TrueAsync(async () =>
        {
            using var again = web.Visit();
            using var answer = await again.SignInAsync(TestCluster.AdminKey, Cancelled);
            return answer.StatusCode == HttpStatusCode.Redirect;
        }, "one can sign in again", MdfsClient.Patience, Cancelled);
        Assert.False(await leaving.IsInsideAsync(Cancelled));
    }

    [Fact]
    public async Task Wrong_keys_from_the_address_of_the_console_do_not_keep_it_from_the_master()
    {
        // A cluster of its own: its address is locked for a minute.
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1);
        await using var web = await WebRig.StartAsync(cluster, Cancelled, ("Mdfs:ClusterKey", cluster.Cluster.Keys.ClusterKey));
        await using var stranger = await WebRig.StartAsync(cluster, Cancelled, ("Mdfs:ClusterKey", "the key of quite another cluster"));
        using var visitor = await web.Visit().EnterAsync(Cancelled);
        var token = await visitor.TokenAsync(Cancelled);
        for (var i = 0; i <= 10; i++)
        {
            using var guess = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Client.Master, "api/cluster")) { Headers = { Authorization = new("Bearer", $"guess {i}") } };
            using var refused = await cluster.Client.Http.SendAsync(guess, Cancelled);
            Assert.Equal(i < 10 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, refused.StatusCode);
        }

        // Whoever guessed learns nothing, also with the right key; the console's own pages and what they ask go on.
        using (var right = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Client.Master, "api/cluster")) { Headers = { Authorization = cluster.Client.Admin } })
        using (var refused = await cluster.Client.Http.SendAsync(right, Cancelled))
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Null((await web.Services.GetRequiredService<MasterApi>().ClusterAsync(Cancelled)).Refusal);
        using (var asked = new HttpRequestMessage(HttpMethod.Get, "api/nodes") { Headers = { { SessionCookie.AntiforgeryHeader, token } } })
        using (var answer = await visitor.Http.SendAsync(asked, Cancelled))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        // A master that refuses is there, and is not called away.
        var watch = stranger.Services.GetRequiredService<ClusterWatch>();
        await watch.RunOnceAsync(Cancelled);
        Assert.False(watch.Picture.MasterAway);
        Assert.Equal("too-many-failures", watch.Picture.Refused?.Type);
    }

    [Fact]
    public async Task While_the_master_is_away_requests_are_refused_plainly_and_health_says_why()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        using var http = new HttpClient { BaseAddress = web.Address };
        await Eventually.TrueAsync(async () => await StatusAsync(http, "health") == HttpStatusCode.OK, "the console hears the master", MdfsClient.Patience, Cancelled);
        await shared.Cluster.Cluster.Master.StopAsync(atOnce: true);
        try
        {
            using var refused = await http.GetAsync("api/files", Cancelled);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Contains("urn:mdfs:problem:master-away", await refused.Content.ReadAsStringAsync(Cancelled));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "alive"));
            // Nobody looks at the console, so that it asks seldom; a look makes it ask.
            using (web.Services.GetRequiredService<ClusterWatch>().Look(static _ => { }))
                await Eventually.TrueAsync(async () => await StatusAsync(http, "health") == HttpStatusCode.ServiceUnavailable, "health says that the master is away", MdfsClient.Patience, Cancelled);
        }
        finally
        {
            await shared.Cluster.Cluster.Master.StartAsync(Cancelled);
        }

        await Eventually.TrueAsync(async () => await StatusAsync(http, "api/files") == HttpStatusCode.OK, "requests pass again", MdfsClient.Patience, Cancelled);
    }

    [Theory]
    [InlineData("DELETE", "api/files/a.mp4")]
    [InlineData("POST", "api/files/a.mp4/undelete")]
    [InlineData("PUT", "api/files/a.mp4", "the movie")]
    [InlineData("DELETE", "api/files/a.mp4", "", true)]
    [InlineData("GET", "delete?name=a.mp4")]
    public async Task A_change_whose_answer_was_lost_is_sent_once_and_said_to_be_open(string method, string path, string? body = null, bool waits = false)
    {
        await using var far = new HangingUpServer();
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, ("services:master:http:0", far.Url.ToString()));
        using var http = new HttpClient { BaseAddress = web.Address };
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body) };
        if (waits) request.Headers.ExpectContinue = true;
        using var answer = await http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var said = await answer.Content.ReadAsStringAsync(Cancelled);
        if (path.StartsWith("api/", StringComparison.Ordinal)) Assert.Contains("urn:mdfs:problem:outcome-unknown", said);
        Assert.DoesNotContain("nothing was changed", said);
        Assert.Contains("may have been made", said);
        Assert.Equal(1, far.Arrived($"{method} /{path}"));
    }

    [Fact]
    public async Task A_change_that_reached_no_master_and_a_question_without_an_answer_are_said_to_have_changed_nothing()
    {
        await using (var far = new HangingUpServer())
        {
            await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, ("services:master:http:0", far.Url.ToString()));
            await AssertAwayAsync(web, HttpMethod.Get);
        }

        await using var alone = await WebRig.StartAsync(shared.Cluster, Cancelled, ("services:master:http:0", $"http://127.0.0.1:{TestPorts.Next()}"));
        await AssertAwayAsync(alone, HttpMethod.Delete);

        static async Task AssertAwayAsync(WebRig web, HttpMethod method)
        {
            using var http = new HttpClient { BaseAddress = web.Address };
            using var request = new HttpRequestMessage(method, "api/files/a.mp4");
            using var answer = await http.SendAsync(request, Cancelled);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            var said = await answer.Content.ReadAsStringAsync(Cancelled);
            Assert.Contains("urn:mdfs:problem:master-away", said);
            Assert.Contains("nothing was changed", said);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path, Cancelled);
        return answer.StatusCode;
    }
}
