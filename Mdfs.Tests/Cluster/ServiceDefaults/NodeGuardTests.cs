using System.Net;
using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

public sealed class NodeGuardTests
{
    private const string Node = "0123456789abcdef0123456789abcdef";
    private const long Now = 1_800_000_000_000;

    private readonly NodeTokens _tokens = new(new ClusterKeys(DefaultsApp.ClusterKey));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_with_its_token_passes_and_the_handler_has_both()
    {
        await using var app = await StartAsync();
        var answer = await SendAsync(app, HttpMethod.Post, "/internal/control?a=%2F", Issue(NodePurpose.Control, "POST", "/internal/control?a=%2F", "hello"), "hello");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("hello|hello|master|7", await answer.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task A_control_message_without_a_body_passes()
    {
        await using var app = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, HttpMethod.Post, "/internal/control", Issue(NodePurpose.Control, "POST", "/internal/control"), null)).StatusCode);
    }

    [Fact]
    public async Task Each_part_that_a_token_binds_is_checked()
    {
        await using var app = await StartAsync();
        const string target = "/internal/control?a=1";
        var good = Issue(NodePurpose.Control, "POST", target, "hello");
        await RefusedAsync(app, target, null);
        await RefusedAsync(app, target, "");
        await RefusedAsync(app, target, "1.0.master.x");
        await RefusedAsync(app, target, "1.2.x.y.1.1..@@@@");
        await RefusedAsync(app, "/internal/control?a=2", good);
        await RefusedAsync(app, "/internal/control", good);
        await RefusedAsync(app, target, good, body: "hellp");
        await RefusedAsync(app, target, good, body: "");
        await RefusedAsync(app, target, good, method: HttpMethod.Put);
        await RefusedAsync(app, target, Issue(NodePurpose.Data, "POST", target));
        await RefusedAsync(app, target, Issue(NodePurpose.Report, "POST", target, "hello"));
        await RefusedAsync(app, target, _tokens.Issue(NodePurpose.Control, "POST", target, NodeTokens.Master, "ffffffffffffffffffffffffffffffff", 7, Now, "hello"u8));
        await RefusedAsync(app, target, _tokens.Issue(NodePurpose.Control, "POST", target, NodeTokens.Master, Node, 7, Now - 61_000, "hello"u8));
        await RefusedAsync(app, target, _tokens.Issue(NodePurpose.Control, "POST", target, NodeTokens.Master, Node, 7, Now + 61_000, "hello"u8));
        var stranger = new NodeTokens(new ClusterKeys("the secret of another cluster"));
        await RefusedAsync(app, target, stranger.Issue(NodePurpose.Control, "POST", target, NodeTokens.Master, Node, 7, Now, "hello"u8));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, HttpMethod.Post, target, good, "hello")).StatusCode);
    }

    [Fact]
    public async Task The_admin_key_opens_no_internal_route()
    {
        await using var app = await StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.SendAsync(HttpMethod.Post, "/internal/control", ("X-Mdfs-Secret", DefaultsApp.AdminKey))).StatusCode);
    }

    [Fact]
    public async Task A_route_may_serve_master_and_peers_and_reads_no_body_for_them()
    {
        await using var app = await StartAsync();
        foreach (var purpose in new[] { NodePurpose.Data, NodePurpose.Peer })
        {
            var answer = await SendAsync(app, HttpMethod.Put, "/internal/bytes", Issue(purpose, "PUT", "/internal/bytes"), "not bound");
            Assert.Equal("not bound", await answer.Content.ReadAsStringAsync(Stop));
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(app, HttpMethod.Put, "/internal/bytes", Issue(NodePurpose.Control, "PUT", "/internal/bytes", "x"), "x")).StatusCode);
    }

    [Fact]
    public async Task The_service_has_the_last_word_on_an_epoch()
    {
        await using var app = await StartAsync(new Authority { LowestEpoch = 8 });
        var answer = await SendAsync(app, HttpMethod.Post, "/internal/control", Issue(NodePurpose.Control, "POST", "/internal/control", "x"), "x");
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal(NodeRefusal.StaleEpoch, (await RefusalAsync(answer)).Code);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused_whether_its_length_is_told_or_not()
    {
        await using var app = await StartAsync();
        var token = Issue(NodePurpose.Control, "POST", "/internal/control", "x");
        foreach (var chunked in new[] { false, true })
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/internal/control") { Content = new ByteArrayContent(new byte[NodeGuard.MaxBodyBytes + 1]) };
            request.Headers.Add(NodeTokens.Header, token);
            request.Headers.ExpectContinue = true;
            request.Headers.TransferEncodingChunked = chunked;
            var answer = await app.Client.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        }
    }

    [Fact]
    public async Task The_master_tells_a_node_with_a_wrong_clock_the_time_signed_for_its_very_token()
    {
        await using var app = await StartAsync(new Authority { TellsTime = true });
        var token = _tokens.Issue(NodePurpose.Control, "POST", "/internal/control", Node, Node, 7, Now - 3_600_000);
        var answer = await SendAsync(app, HttpMethod.Post, "/internal/control", token, null);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.True(NodeTime.TryRead(answer.Headers, _tokens, token, out var now));
        Assert.Equal(Now, now);
        Assert.False(NodeTime.TryRead(answer.Headers, _tokens, Issue(NodePurpose.Control, "POST", "/internal/control"), out _));

        await using var worker = await StartAsync();
        Assert.False((await SendAsync(worker, HttpMethod.Post, "/internal/control", token, null)).Headers.Contains(NodeTokens.TimeHeader));
    }

    [Fact]
    public async Task Nodes_may_call_one_another_by_any_name()
    {
        await using var app = await StartAsync();
        var answer = await SendAsync(app, HttpMethod.Post, "/internal/control", Issue(NodePurpose.Control, "POST", "/internal/control"), null, "worker1.films.example");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private string Issue(NodePurpose purpose, string method, string target, string body = "") =>
        _tokens.Issue(purpose, method, target, NodeTokens.Master, Node, 7, Now, Encoding.UTF8.GetBytes(body));

    private static async Task RefusedAsync(DefaultsApp app, string target, string? token, string body = "hello", HttpMethod? method = null)
    {
        var answer = await SendAsync(app, method ?? HttpMethod.Post, target, token, body);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("MdfsNode", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        Assert.Equal(NodeGuard.Unauthorized, (await RefusalAsync(answer)).Code);
    }

    private static async Task<NodeRefusal> RefusalAsync(HttpResponseMessage answer) =>
        JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(Stop), WireJson.Default.NodeRefusal)!;

    private static Task<HttpResponseMessage> SendAsync(DefaultsApp app, HttpMethod method, string target, string? token, string? body, string? host = null)
    {
        var request = new HttpRequestMessage(method, target);
        if (token is not null) request.Headers.TryAddWithoutValidation(NodeTokens.Header, token);
        if (host is not null) request.Headers.Host = host;
        if (body is not null) request.Content = new StringContent(body);
        return app.Client.SendAsync(request, Stop);
    }

    private static Task<DefaultsApp> StartAsync(Authority? authority = null) => DefaultsApp.StartAsync(Map, services: services => services.AddSingleton<INodeAuthority>(authority ?? new Authority()));

    private static void Map(WebApplication app)
    {
        app.MapMethods("/internal/control", ["POST", "PUT"], async (HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            return $"{await reader.ReadToEndAsync()}|{Encoding.UTF8.GetString(context.NodeBody().Span)}|{context.NodeToken().Sender}|{context.NodeToken().Epoch}";
        }).RequireNode(NodePurpose.Control);
        app.MapPut("/internal/bytes", async (HttpContext context) =>
        {
            Assert.Throws<InvalidOperationException>(() => context.NodeBody());
            using var reader = new StreamReader(context.Request.Body);
            return await reader.ReadToEndAsync();
        }).RequireNode(NodePurpose.Data, NodePurpose.Peer);
    }

    private sealed class Authority : INodeAuthority
    {
        public string Receiver => Node;

        public long Now => NodeGuardTests.Now;

        public bool TellsTime { get; init; }

        public long LowestEpoch { get; init; }

        public NodeRefusal? Judge(NodeToken token, string method) => token.Epoch < LowestEpoch ? new NodeRefusal(NodeRefusal.StaleEpoch, "That epoch is over.") : null;
    }
}
