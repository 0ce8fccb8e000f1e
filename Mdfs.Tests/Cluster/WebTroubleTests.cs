using System.Net;
using Mdfs.Tests.Support;
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

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path, Cancelled);
        return answer.StatusCode;
    }
}
