using System.Net;
using System.Net.Http.Headers;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Every route of a real worker, walked by somebody without a key, with tokens for something else, and by other people's web pages (design, section 8).</summary>
public sealed class WorkerRouteTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private WorkerNode _node = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<(RouteEndpoint Route, string Method, AccessMark Mark)> Routes =>
        from route in _node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (route, method, route.Metadata.GetMetadata<AccessMark>()!);

    public async ValueTask InitializeAsync() => _node = await WorkerNode.StartAsync(_directory.Path);

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public void Who_may_use_what_is_written_down_here()
    {
        string[] all = [.. Routes.Select(static one => $"{one.Method} /{one.Route.RoutePattern.RawText!.Trim('/')}: {(one.Mark is { Access: AccessClass.Handler } ? "Handler" : one.Mark?.ToString())}").Order(StringComparer.Ordinal)];
        string[] written =
        [
            "DELETE /delete: Admin",
            "DELETE /internal/quarantine/{id}: Node(Control)",
            "DELETE /internal/uploads/{upload}: Node(Control)",
            "GET /alive: Open",
            "GET /checksum: Admin",
            "GET /delete: Admin",
            "GET /direct/{version}/{name}: Handler",
            "GET /download: Admin",
            "GET /health: Open",
            "GET /internal/quarantine: Node(Control)",
            "GET /internal/replicas/{version}/verify: Node(Control)",
            "GET /internal/replicas/{version}: Node(Data, Window, Peer)",
            "GET /internal/trash: Node(Control)",
            "GET /internal/uploads/{upload}/bytes: Node(Peer)",
            "GET /internal/uploads/{upload}: Node(Control)",
            "GET /metrics: Open",
            "GET /verify: Admin",
            "HEAD /alive: Open",
            "HEAD /checksum: Admin",
            "HEAD /direct/{version}/{name}: Handler",
            "HEAD /download: Admin",
            "HEAD /health: Open",
            "HEAD /metrics: Open",
            "PATCH /internal/uploads/{upload}: Node(Data)",
            "POST /delete: Admin",
            "POST /internal/beat-now: Node(Control)",
            "POST /internal/quarantine/{id}/adopt: Node(Control)",
            "POST /internal/replicas/{version}/verify: Node(Control)",
            "POST /internal/tombstones: Node(Control)",
            "POST /internal/trash/{version}/restore: Node(Control)",
            "POST /internal/uploads/{upload}/complete: Node(Control)",
            "POST /internal/uploads/{upload}/join: Node(Control)",
            "POST /internal/uploads/{upload}/seal: Node(Control)",
            "POST /internal/uploads: Node(Control)",
            "POST /upload: Handler",
            "PUT /internal/uploads/{upload}: Node(Data)",
        ];
        Assert.True(written.SequenceEqual(all), $"There is:\n{string.Join('\n', all)}");
    }

    [Fact]
    public async Task Nobody_without_a_key_gets_into_anything_that_is_not_open()
    {
        var closed = 0;
        foreach (var (route, method, mark) in Routes)
        {
            if (mark.Access is AccessClass.Open) continue;
            using var answer = await _node.Master.SendAsync(new HttpRequestMessage(new HttpMethod(method), Target(route)));
            Assert.True(answer.StatusCode == (mark.Access is AccessClass.Handler ? HttpStatusCode.Forbidden : HttpStatusCode.Unauthorized), $"{method} {Target(route)} was answered {(int)answer.StatusCode}");
            closed++;
        }

        Assert.True(closed > 20, $"{closed}");
    }

    [Fact]
    public async Task A_token_opens_only_what_its_purpose_is_for()
    {
        foreach (var (route, method, mark) in Routes.Where(static one => one.Mark.Access == AccessClass.Node))
        {
            foreach (var purpose in Enum.GetValues<NodePurpose>())
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), Target(route));
                request.Headers.Add(NodeTokens.Header, _node.Master.Token(purpose, method, Target(route), [], sender: purpose == NodePurpose.Peer ? NodeId.New().Value : NodeTokens.Master));
                using var answer = await _node.Master.SendAsync(request);
                Assert.True((answer.StatusCode == HttpStatusCode.Unauthorized) != mark.Purposes.Contains(purpose), $"{method} {Target(route)} with a token for {purpose} was answered {(int)answer.StatusCode}");
            }
        }
    }

    [Fact]
    public async Task Other_peoples_pages_change_nothing_although_the_key_is_right()
    {
        var refused = new List<string>();
        foreach (var (route, method, mark) in Routes)
        {
            var changes = method is not ("GET" or "HEAD" or "OPTIONS") || route.Metadata.GetMetadata<ChangesStateMark>() is not null;
            if (mark.Access == AccessClass.Node || !changes) continue;
            using var request = new HttpRequestMessage(new HttpMethod(method), Target(route));
            request.Headers.Add("Sec-Fetch-Site", "cross-site");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", WorkerNode.AdminKey);
            using var answer = await _node.Master.SendAsync(request);
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{method} {Target(route)} was answered {(int)answer.StatusCode}");
            refused.Add($"{method} /{route.RoutePattern.RawText!.Trim('/')}");
        }

        Assert.Contains("GET /delete", refused);
    }

    private static string Target(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments.Select(static segment =>
        string.Concat(segment.Parts.Select(static part => part is RoutePatternLiteralPart literal ? literal.Content : "1700000000000000"))));
}
