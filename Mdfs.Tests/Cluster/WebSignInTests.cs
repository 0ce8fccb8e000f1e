using System.Net;
using Mdfs.Tests.Support;
using Mdfs.Web.Sessions;

namespace Mdfs.Tests.Cluster;

/// <summary>Who gets into the console, what a session opens and what it does not, and how it ends (design, section 8).</summary>
public sealed class WebSignInTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_has_not_signed_in_sees_the_sign_in_page_and_nothing_else()
    {
        await using var web = await StartAsync();
        using var visitor = web.Visit();
        foreach (var path in (string[])["", "movies", "nodes", "deletions", "activity", "settings", "movies?query=x"])
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
            {
                using var request = new HttpRequestMessage(method, path);
                using var page = await visitor.Http.SendAsync(request, Cancelled);
                Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
                Assert.StartsWith("/sign-in", page.Headers.Location!.OriginalString);
            }
        }

        using var hub = await visitor.Http.PostAsync("_blazor/negotiate?negotiateVersion=1", null, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, hub.StatusCode);
    }

    [Fact]
    public async Task The_right_key_gives_a_cookie_that_scripts_cannot_read_and_other_sites_do_not_send()
    {
        await using var web = await StartAsync();
        using var visitor = web.Visit();
        using var answer = await visitor.SignInAsync(TestCluster.AdminKey, Cancelled, "/movies?filter=under-replicated");
        Assert.Equal("/movies?filter=under-replicated", answer.Headers.Location!.OriginalString);
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"), value => value.StartsWith("mdfs-session=", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie);
        Assert.Contains("samesite=strict", cookie);
        Assert.DoesNotContain(TestCluster.AdminKey, cookie);
        var page = await visitor.Http.GetStringAsync("movies", Cancelled);
        Assert.DoesNotContain(TestCluster.AdminKey, page);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/é")]
    [InlineData("/movies?query=七人の侍")]
    public async Task Signing_in_leads_to_a_page_of_ours_whatever_the_address_says(string back)
    {
        await using var web = await StartAsync();
        using var visitor = web.Visit();
        using var answer = await visitor.SignInAsync(TestCluster.AdminKey, Cancelled, back);
        Assert.Equal("/", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_too_many_lock_the_address_out_right_key_or_not()
    {
        await using var web = await StartAsync(("Mdfs:KeyFailures", "3"));
        using var visitor = web.Visit();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var wrong = await visitor.SignInAsync("not the key", Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        using var locked = await visitor.SignInAsync(TestCluster.AdminKey, Cancelled);
        Assert.Equal(HttpStatusCode.TooManyRequests, locked.StatusCode);
        Assert.NotNull(locked.Headers.RetryAfter);
        Assert.False(await visitor.IsInsideAsync(Cancelled));
        Assert.DoesNotContain("not the key", web.Logs.Text);
    }

    [Fact]
    public async Task A_form_that_is_not_ours_signs_nobody_in()
    {
        await using var web = await StartAsync();
        using var visitor = web.Visit();
        using var bare = new FormUrlEncodedContent([KeyValuePair.Create("key", TestCluster.AdminKey)]);
        using var answer = await visitor.Http.PostAsync("sign-in", bare, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.False(await visitor.IsInsideAsync(Cancelled));

        using var request = new HttpRequestMessage(HttpMethod.Post, "sign-in") { Content = new FormUrlEncodedContent([KeyValuePair.Create("key", TestCluster.AdminKey)]) };
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var foreign = await visitor.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
    }

    [Fact]
    public async Task A_session_outlives_a_restart_of_the_console()
    {
        await using var web = await StartAsync();
        using var before = await web.Visit().EnterAsync(Cancelled);
        var token = await before.TokenAsync(Cancelled);
        await web.StopAsync();
        await web.StartAsync(Cancelled);
        using var after = new Visitor(web.Address);
        foreach (Cookie cookie in before.Cookies.GetAllCookies()) after.Cookies.Add(web.Address, new Cookie(cookie.Name, cookie.Value));
        Assert.True(await after.IsInsideAsync(Cancelled));
        Assert.Equal(token, await after.TokenAsync(Cancelled));
    }

    [Fact]
    public async Task Signing_out_ends_the_session_on_every_server_and_needs_a_form_of_ours()
    {
        await using var web = await StartAsync();
        await using var other = await StartAsync();
        using var visitor = await web.Visit().EnterAsync(Cancelled);
        using var elsewhere = new Visitor(other.Address);
        foreach (Cookie cookie in visitor.Cookies.GetAllCookies()) elsewhere.Cookies.Add(other.Address, new Cookie(cookie.Name, cookie.Value));
        Assert.True(await elsewhere.IsInsideAsync(Cancelled));

        using var bare = await visitor.Http.PostAsync("sign-out", new FormUrlEncodedContent([]), Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, bare.StatusCode);
        Assert.True(await visitor.IsInsideAsync(Cancelled));

        var kept = visitor.Cookies.GetAllCookies().Single(cookie => cookie.Name == SessionCookie.Name).Value;
        using var left = await visitor.SignOutAsync(Cancelled);
        Assert.Equal("/sign-in", left.Headers.Location!.OriginalString);
        // The cookie itself is worth nothing any more, whoever has kept it.
        visitor.Cookies.Add(web.Address, new Cookie(SessionCookie.Name, kept));
        Assert.False(await visitor.IsInsideAsync(Cancelled));
        await Eventually.TrueAsync(async () => !await elsewhere.IsInsideAsync(Cancelled), "the session has ended on the other server", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task Signing_out_on_all_devices_ends_every_session()
    {
        await using var web = await StartAsync(("Mdfs:Web:RedisKeyPrefix", "mdfs:console-of-one-test:"));
        using var here = await web.Visit().EnterAsync(Cancelled);
        using var there = await web.Visit().EnterAsync(Cancelled);
        using (await here.SignOutAsync(Cancelled, everywhere: true))
        {
            Assert.False(await there.IsInsideAsync(Cancelled));
        }

        using var again = await web.Visit().EnterAsync(Cancelled);
        Assert.True(await again.IsInsideAsync(Cancelled));
    }

    [Fact]
    public async Task Another_admin_key_ends_the_sessions_that_the_former_one_opened()
    {
        await using var web = await StartAsync();
        using var visitor = await web.Visit().EnterAsync(Cancelled);
        await using var rekeyed = await StartAsync(("Mdfs:AdminKey", "quite another admin key"));
        using var same = new Visitor(rekeyed.Address);
        foreach (Cookie cookie in visitor.Cookies.GetAllCookies()) same.Cookies.Add(rekeyed.Address, new Cookie(cookie.Name, cookie.Value));
        Assert.False(await same.IsInsideAsync(Cancelled));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_cookie_counts_only_below_api_and_only_with_the_antiforgery_header(bool standalone)
    {
        await using var web = await StartAsync();
        using var visitor = new Visitor(standalone ? shared.Client.Master : web.Address);
        await visitor.EnterAsync(Cancelled);
        var token = await visitor.TokenAsync(Cancelled);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visitor, HttpMethod.Get, "api/cluster", token));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visitor, HttpMethod.Get, "api/cluster", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visitor, HttpMethod.Get, "api/cluster", token + "x"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visitor, HttpMethod.Delete, "api/files/none.mp4", null));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(visitor, HttpMethod.Delete, "api/files/none.mp4", token));
        // Outside /api it is nobody's.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visitor, HttpMethod.Get, "delete?name=none.mp4", token));
        // A page of another site has neither, and is named by its browser besides.
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(visitor, HttpMethod.Delete, "api/files/none.mp4", token, ("Sec-Fetch-Site", "cross-site")));

        using (await visitor.SignOutAsync(Cancelled))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visitor, HttpMethod.Get, "api/cluster", token));
        }
    }

    private Task<WebRig> StartAsync(params (string Key, string Value)[] settings) => WebRig.StartAsync(shared.Cluster, Cancelled, settings);

    private static async Task<HttpStatusCode> StatusAsync(Visitor visitor, HttpMethod method, string path, string? token, (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null) request.Headers.Add(SessionCookie.AntiforgeryHeader, token);
        if (header is { } more) request.Headers.Add(more.Name, more.Value);
        using var answer = await visitor.Http.SendAsync(request, Cancelled);
        return answer.StatusCode;
    }
}
