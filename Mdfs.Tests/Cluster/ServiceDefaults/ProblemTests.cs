using System.Net;
using System.Text.Json;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

public sealed class ProblemTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_problem_says_its_type_what_to_do_and_the_trace_below_api()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        var answer = await app.GetAsync("/api/full", ("Accept", "video/mp4"));
        Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(TimeSpan.FromSeconds(3), answer.Headers.RetryAfter?.Delta);
        var problem = await JsonAsync(answer);
        Assert.Equal("urn:mdfs:problem:no-space", problem.GetProperty("type").GetString());
        Assert.Equal("No space", problem.GetProperty("title").GetString());
        Assert.Equal("Add a disk — or delete “something”.", problem.GetProperty("detail").GetString());
        Assert.Equal(507, problem.GetProperty("status").GetInt32());
        Assert.Equal(5_000_000_000, problem.GetProperty("missing").GetInt64());
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("traceId").GetString());
    }

    [Fact]
    public async Task The_same_problem_is_a_plain_sentence_on_a_classic_route()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        var answer = await app.GetAsync("/full");
        Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Add a disk — or delete “something”.", await answer.Content.ReadAsStringAsync(Stop));
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task An_exception_becomes_500_and_tells_its_text_only_to_the_log(string environment)
    {
        await using var app = await DefaultsApp.StartAsync(Map, environment: environment);
        foreach (var target in new[] { "/api/broken", "/broken" })
        {
            var answer = await app.GetAsync(target);
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.DoesNotContain("inner workings", await answer.Content.ReadAsStringAsync(Stop));
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.False(answer.Headers.Contains("X-Half-Made"));
        }

        Assert.Contains(app.Logs.Lines, static line => line.StartsWith("Error") && line.Contains("inner workings"));
    }

    [Fact]
    public async Task An_answer_that_has_begun_is_aborted_and_never_ends_short()
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await DefaultsApp.StartAsync(app => app.MapGet("/api/midway", async (HttpContext context) =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.Body.WriteAsync(new byte[500]);
            await context.Response.Body.FlushAsync();
            await seen.Task;
            throw new InvalidOperationException("inner workings");
        }).Open());
        using var answer = await app.Client.GetAsync("/api/midway", HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        seen.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => answer.Content.ReadAsByteArrayAsync(Stop));
    }

    [Fact]
    public async Task Unknown_addresses_wrong_methods_and_bad_parameters_are_explained()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        Assert.Equal("urn:mdfs:problem:no-such-route", (await JsonAsync(await app.GetAsync("/api/nothing"))).GetProperty("type").GetString());
        var text = await app.GetAsync("/nothing");
        Assert.Equal((HttpStatusCode.NotFound, "text/plain"), (text.StatusCode, text.Content.Headers.ContentType?.MediaType));
        var method = await app.SendAsync(HttpMethod.Delete, "/api/full");
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET"), (method.StatusCode, method.Content.Headers.Allow.Single()));
        Assert.Equal("urn:mdfs:problem:method-not-allowed", (await JsonAsync(method)).GetProperty("type").GetString());
        Assert.Equal("urn:mdfs:problem:bad-request", (await JsonAsync(await app.GetAsync("/api/number?value=many"))).GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_body_that_is_too_long_gets_413()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/small") { Content = new ByteArrayContent(new byte[1000]) };
        var answer = await app.Client.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Equal("urn:mdfs:problem:too-large", (await JsonAsync(answer)).GetProperty("type").GetString());
    }

    [Fact]
    public async Task Every_answer_forbids_sniffing_and_none_names_the_server()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        foreach (var target in new[] { "/fine", "/nothing", "/api/full" })
        {
            var answer = await app.GetAsync(target);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Empty(answer.Headers.Server);
        }
    }

    [Fact]
    public async Task A_client_that_leaves_is_nobodys_error()
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await DefaultsApp.StartAsync(app => app.MapGet("/api/wait", async context =>
        {
            context.Response.OnCompleted(() =>
            {
                left.TrySetResult();
                return Task.CompletedTask;
            });
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }).Open());
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var waiting = app.Client.GetAsync("/api/wait", leave.Token);
        await entered.Task.WaitAsync(Stop);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await left.Task.WaitAsync(Stop);
        await app.StopAsync();
        Assert.DoesNotContain(app.Logs.Lines, static line => line.StartsWith("Error") || line.StartsWith("Warning"));
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) => JsonElement.Parse(await answer.Content.ReadAsStringAsync(Stop));

    private static void Map(WebApplication app)
    {
        var full = new Problem(507, "no-space", "No space", "Add a disk — or delete “something”.") { RetryAfter = TimeSpan.FromSeconds(2.1) };
        app.MapGet("/api/full", () => full.With("missing", 5_000_000_000)).Open();
        app.MapGet("/full", () => full).Open();
        app.MapGet("/fine", () => "fine").Open();
        app.MapGet("/api/number", (int value) => value).Open();
        foreach (var target in new[] { "/api/broken", "/broken" })
        {
            app.MapGet(target, (HttpContext context) =>
            {
                context.Response.Headers["X-Half-Made"] = "1";
                throw new InvalidOperationException("inner workings");
            }).Open();
        }

        app.MapPost("/api/small", async (HttpContext context) =>
        {
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = 10;
            await context.Request.Body.CopyToAsync(Stream.Null);
        }).Open();
    }
}
