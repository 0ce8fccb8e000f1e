using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Mdfs.Master.Catalog;
using Mdfs.Master.Nodes;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Mdfs.Tests.Cluster;

/// <summary>Every route of a real master, walked by somebody without a key and by other people's web pages (design, section 8).</summary>
public sealed class MasterRouteTests : IAsyncLifetime
{
    private MasterRig _rig = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<RouteEndpoint> Routes => _rig.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    public async ValueTask InitializeAsync() => _rig = await MasterRig.StartAsync();

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public void Every_route_says_who_may_use_it_and_no_two_say_it_twice()
    {
        Assert.True(Routes.Count() > 20);
        Assert.Empty(Routes.Where(route => route.Metadata.GetMetadata<AccessMark>() is null).Select(route => route.DisplayName));
    }

    [Fact]
    public void What_is_open_to_everybody_is_written_down_here()
    {
        string[] open = [.. Routes.Where(route => route.Metadata.GetMetadata<AccessMark>()!.Access == AccessClass.Open).Select(Pattern).Distinct().Order()];
        Assert.Equal(["/", "/alive", "/api/uploads", "/api/uploads/{id}", "/health", "/metrics", "/openapi/{documentName}.json"], open);
        string[] byHandler = [.. Routes.Where(route => route.Metadata.GetMetadata<AccessMark>()!.Access == AccessClass.Handler).Select(Pattern).Distinct().Order()];
        Assert.Equal(["/delete", "/register", "/upload"], byHandler);
    }

    [Fact]
    public async Task Nobody_without_a_key_gets_into_anything_that_changes_state_or_is_an_admins_or_a_nodes()
    {
        var closed = 0;
        foreach (var (route, method) in Routes.SelectMany(route => Methods(route).Select(method => (route, method))))
        {
            var access = route.Metadata.GetMetadata<AccessMark>()!.Access;
            if (access is AccessClass.Open or AccessClass.Reader) continue;
            using var request = Request(route, method);
            using var answer = await _rig.Client.SendAsync(request, Cancelled);
            Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {Pattern(route)} was answered {(int)answer.StatusCode}");
            closed++;
        }

        Assert.True(closed > 10);
    }

    [Fact]
    public async Task Whatever_can_be_got_can_be_asked_about_without_its_body()
    {
        const string ours = "0123456789abcdef0123456789abcdef";
        var node = new SpeakingNode(1) { ClusterId = ours };
        node.Hold(SpeakingNode.Sealed("anything.mp4", 5, ours));
        var conversation = _rig.Get<BeatConversation>();
        for (var i = 0; i < 2; i++) node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
        Assert.True(conversation.TakePage(node.Inventory()).Accepted);
        await Eventually.TrueAsync(() => _rig.Get<FileCatalog>().Count == 1, "there is a movie to ask about", MdfsClient.Patience, Cancelled);

        var unlike = new List<string>();
        var got = 0;
        foreach (var route in Routes.Where(static route => Methods(route).Contains("GET") && route.Metadata.GetMetadata<ChangesStateMark>() is null && route.Metadata.GetMetadata<AccessMark>()!.Access != AccessClass.Node))
        {
            // Re-reads all copies: nothing that anybody would have done for an answer that is thrown away.
            if (Pattern(route) == "/verify") continue;
            using var get = await AskAsync(route, "GET");
            using var head = await AskAsync(route, "HEAD");
            if (get.StatusCode == HttpStatusCode.OK) got++;
            if (head.StatusCode == HttpStatusCode.MethodNotAllowed || (get.StatusCode == HttpStatusCode.OK && (head.StatusCode, head.Content.Headers.ContentType?.ToString()) != (get.StatusCode, get.Content.Headers.ContentType?.ToString()))) unlike.Add($"{Pattern(route)}: GET {(int)get.StatusCode}, HEAD {(int)head.StatusCode}");
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancelled));
        }

        Assert.Empty(unlike);
        Assert.True(got > 20, $"{got}");
        using var verify = await AskAsync(Routes.Single(static route => Pattern(route) == "/verify"), "HEAD");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, verify.StatusCode);
    }

    [Fact]
    public async Task A_wrong_key_opens_nothing_that_no_key_does_not_open()
    {
        foreach (var route in Routes.Where(route => route.Metadata.GetMetadata<AccessMark>()!.Access == AccessClass.Admin).Take(3))
        {
            using var request = Request(route, Methods(route).First());
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "admin888");
            using var answer = await _rig.Client.SendAsync(request, Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Origin", "http://elsewhere.example")]
    [InlineData("Origin", "null")]
    public async Task Other_peoples_pages_change_nothing_although_the_key_is_right(string header, string value)
    {
        var refused = new List<string>();
        foreach (var (route, method) in Routes.SelectMany(route => Methods(route).Select(method => (route, method))))
        {
            var access = route.Metadata.GetMetadata<AccessMark>()!.Access;
            var changes = method is not ("GET" or "HEAD" or "OPTIONS") || route.Metadata.GetMetadata<ChangesStateMark>() is not null;
            if (access == AccessClass.Node || !changes) continue;
            using var request = Request(route, method);
            request.Headers.TryAddWithoutValidation(header, value);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", MasterRig.AdminKey);
            using var answer = await _rig.Client.SendAsync(request, Cancelled);
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{method} {Pattern(route)} was answered {(int)answer.StatusCode}");
            refused.Add($"{method} {Pattern(route)}");
        }

        Assert.Contains("GET /delete", refused);
        Assert.Contains("POST /upload", refused);
        Assert.Contains("PUT /api/files/{name}", refused);
    }

    [Fact]
    public async Task A_name_that_is_not_ours_gets_nothing()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/files");
        request.Headers.Host = "rebound.example";
        using var answer = await _rig.Client.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/api/no-such-route", 404)]
    [InlineData("POST", "/api/files", 405)]
    [InlineData("GET", "/api/files?limit=many", 400)]
    [InlineData("GET", "/api/files?sort=up", 400)]
    [InlineData("GET", "/api/files?cursor=!", 400)]
    [InlineData("GET", "/api/nodes", 401)]
    [InlineData("GET", "/api/files/a%2Fb.mp4", 400)]
    [InlineData("DELETE", "/api/nodes/nobody?force=perhaps", 401)]
    public async Task Every_refusal_below_api_is_a_problem_with_a_sentence_and_a_trace(string method, string target, int status)
    {
        using var answer = await _rig.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), target), Cancelled);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled));
        Assert.StartsWith("urn:mdfs:problem:", problem.RootElement.GetProperty("type").GetString());
        Assert.NotEmpty(problem.RootElement.GetProperty("detail").GetString()!);
        Assert.NotEmpty(problem.RootElement.GetProperty("traceId").GetString()!);
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("/download?name=")]
    [InlineData("/play")]
    [InlineData("/get-checksum?name=../../etc/passwd")]
    [InlineData("/verify?name=a%0Ab.mp4")]
    public async Task Classic_routes_refuse_bad_names_in_plain_text(string target)
    {
        using var answer = await _rig.Client.GetAsync(target, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("""["a.mp4","b.mp4"]""", 400)]
    [InlineData(" \n []", 400)]
    [InlineData("{}", 401)]
    [InlineData("", 401)]
    public async Task The_originals_list_of_names_is_answered_400_to_anybody(string body, int status)
    {
        using var answer = await _rig.Client.PostAsync("/register?addr=http://worker1:8081", new StringContent(body, Encoding.UTF8, "application/json"), Cancelled);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    private async Task<HttpResponseMessage> AskAsync(RouteEndpoint route, string method)
    {
        using var request = Request(route, method);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", MasterRig.AdminKey);
        return await _rig.Client.SendAsync(request, Cancelled);
    }

    private static string Pattern(RouteEndpoint route) => "/" + route.RoutePattern.RawText!.Trim('/');

    private static IReadOnlyList<string> Methods(RouteEndpoint route) => route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is { Count: > 0 } methods ? methods : ["GET"];

    private static HttpRequestMessage Request(RouteEndpoint route, string method)
    {
        var path = string.Join('/', route.RoutePattern.PathSegments.Select(segment =>
            string.Concat(segment.Parts.Select(part => part is RoutePatternLiteralPart literal ? literal.Content : "anything.mp4"))));
        return new HttpRequestMessage(new HttpMethod(method), $"/{path}?name=anything.mp4");
    }
}
