using System.Net;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

public sealed class KeyTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_admin_key_is_taken_from_either_header_or_the_classic_parameter()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/secret", ("Authorization", $"Bearer {DefaultsApp.AdminKey}"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/secret", ("authorization", $"bearer {DefaultsApp.AdminKey}"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/secret", ("X-Mdfs-Secret", DefaultsApp.AdminKey))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync($"/delete?name=a&secret={DefaultsApp.AdminKey}")).StatusCode);
    }

    [Theory]
    [InlineData("Authorization", "Bearer correct-horse-batter")]
    [InlineData("Authorization", "Bearer correct-horse-battery2")]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("Authorization", "Basic correct-horse-battery")]
    [InlineData("X-Mdfs-Secret", "CORRECT-HORSE-BATTERY")]
    [InlineData("X-Other", "correct-horse-battery")]
    public async Task Anything_else_is_refused(string header, string value)
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        var refused = await app.GetAsync("/api/secret", (header, value));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(Problem.MediaType, refused.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
        Assert.Equal("Unauthorized", await (await app.GetAsync("/delete?name=a", (header, value))).Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task A_form_field_counts_when_headers_and_query_carry_no_key()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        Assert.Equal(HttpStatusCode.OK, (await app.SendAsync(HttpMethod.Post, $"/upload?field={DefaultsApp.AdminKey}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.SendAsync(HttpMethod.Post, "/upload?field=wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.SendAsync(HttpMethod.Post, "/upload")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.SendAsync(HttpMethod.Post, $"/upload?field={DefaultsApp.AdminKey}", ("X-Mdfs-Secret", "wrong"))).StatusCode);
    }

    [Fact]
    public async Task Ten_wrong_keys_lock_out_their_address_and_no_other_for_a_minute()
    {
        var time = new FakeTimeProvider();
        await using var app = await DefaultsApp.StartAsync(Map, services: services => services.AddSingleton<TimeProvider>(time));
        using var attacker = app.ClientFrom("127.0.0.2");
        for (var i = 0; i < 10; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await Try(attacker, $"guess-{i}")).StatusCode);

        var locked = await Try(attacker, "guess-11");
        Assert.Equal(HttpStatusCode.TooManyRequests, locked.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(60), locked.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await Try(attacker, DefaultsApp.AdminKey)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Try(app.Client, DefaultsApp.AdminKey)).StatusCode);

        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.OK, (await Try(attacker, DefaultsApp.AdminKey)).StatusCode);
    }

    [Fact]
    public async Task A_locked_address_opens_for_the_right_key_with_the_proof_of_the_console_and_for_neither_alone()
    {
        await using var app = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:KeyFailures"] = "1" });
        Assert.Equal(HttpStatusCode.Unauthorized, (await Try(app.Client, "wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await Try(app.Client, DefaultsApp.AdminKey)).StatusCode);
        using var shown = new HttpRequestMessage(HttpMethod.Get, "/api/secret");
        app.Services.GetRequiredService<ConsoleProof>().Show(shown.Headers);
        var proof = shown.Headers.GetValues(ConsoleProof.Header).Single();
        Assert.Equal(HttpStatusCode.OK, (await app.Client.SendAsync(shown, Stop)).StatusCode);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await app.GetAsync("/api/secret", ("X-Mdfs-Secret", "wrong"), (ConsoleProof.Header, proof))).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await app.GetAsync("/api/secret", ("X-Mdfs-Secret", DefaultsApp.AdminKey), (ConsoleProof.Header, $"{proof}x"))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/secret", (ConsoleProof.Header, proof))).StatusCode);
    }

    [Fact]
    public async Task A_request_without_any_key_is_no_guess()
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        for (var i = 0; i < 20; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/secret")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Try(app.Client, DefaultsApp.AdminKey)).StatusCode);
    }

    [Fact]
    public async Task Reading_is_open_until_a_reader_key_closes_it()
    {
        await using var open = await DefaultsApp.StartAsync(Map);
        Assert.Equal(HttpStatusCode.OK, (await open.GetAsync("/api/read")).StatusCode);

        await using var closed = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:ReaderKey"] = DefaultsApp.ReaderKey });
        Assert.Equal(HttpStatusCode.Unauthorized, (await closed.GetAsync("/api/read")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await closed.GetAsync("/api/read", ("X-Mdfs-Secret", "wrong"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await closed.GetAsync("/api/read", ("X-Mdfs-Secret", DefaultsApp.ReaderKey))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await closed.GetAsync("/api/read", ("X-Mdfs-Secret", DefaultsApp.AdminKey))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await closed.GetAsync("/api/secret", ("X-Mdfs-Secret", DefaultsApp.ReaderKey))).StatusCode);
    }

    [Fact]
    public async Task A_pass_lets_in_without_a_key()
    {
        await using var app = await DefaultsApp.StartAsync(
            Map, new() { ["Mdfs:ReaderKey"] = DefaultsApp.ReaderKey }, services => services.AddSingleton<IAccessPass, SignedPass>());
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/read?signed=yes")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/read?signed=no")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/secret?signed=yes")).StatusCode);
    }

    [Fact]
    public async Task A_route_without_a_mark_is_closed_and_the_log_names_it()
    {
        await using var app = await DefaultsApp.StartAsync(app => app.MapGet("/api/forgotten", () => "secret"));
        var refused = await app.GetAsync("/api/forgotten", ("X-Mdfs-Secret", DefaultsApp.AdminKey));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains(app.Logs.Lines, static line => line.Contains("/api/forgotten") && line.Contains("no access mark"));
    }

    [Theory]
    [InlineData(null, "Mdfs:AdminKey is not set")]
    [InlineData("admin888", "Mdfs:AdminKey is the well-known default")]
    [InlineData("only-eleven", "Mdfs:AdminKey is too short")]
    [InlineData("管理员的密钥很长很长很长很长", "Mdfs:AdminKey cannot stand in a header")]
    [InlineData("a line and\nanother one", "Mdfs:AdminKey cannot stand in a header")]
    [InlineData("a space at the end ", "Mdfs:AdminKey cannot stand in a header")]
    public async Task Outside_development_a_weak_admin_key_stops_the_start(string? key, string sentence)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => DefaultsApp.StartAsync(Map, new() { ["Mdfs:AdminKey"] = key }));
        Assert.StartsWith(sentence, refusal.Message);
    }

    [Theory]
    [InlineData(null, "Mdfs:ClusterKey is not set")]
    [InlineData(ClusterKeyOptions.DevelopmentKey, "Mdfs:ClusterKey is the well-known key")]
    [InlineData("fifteen-letters", "Mdfs:ClusterKey is too short")]
    public async Task Outside_development_a_weak_cluster_key_stops_the_start(string? key, string sentence)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => DefaultsApp.StartAsync(Map, new() { ["Mdfs:ClusterKey"] = key }));
        Assert.StartsWith(sentence, refusal.Message);
    }

    [Fact]
    public async Task A_reader_key_must_be_long_and_not_the_admin_key()
    {
        var same = await Assert.ThrowsAsync<OptionsValidationException>(() => DefaultsApp.StartAsync(Map, new() { ["Mdfs:ReaderKey"] = DefaultsApp.AdminKey }));
        Assert.StartsWith("Mdfs:ReaderKey must differ", same.Message);
        var tooShort = await Assert.ThrowsAsync<OptionsValidationException>(() => DefaultsApp.StartAsync(Map, new() { ["Mdfs:ReaderKey"] = "short" }));
        Assert.StartsWith("Mdfs:ReaderKey is too short", tooShort.Message);
        var unsent = await Assert.ThrowsAsync<OptionsValidationException>(() => DefaultsApp.StartAsync(Map, new() { ["Mdfs:ReaderKey"] = "读者的密钥很长很长很长很长" }));
        Assert.StartsWith("Mdfs:ReaderKey cannot stand in a header", unsent.Message);
    }

    [Fact]
    public async Task The_end_of_a_line_in_a_key_file_is_no_part_of_the_key()
    {
        await using var app = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:AdminKey"] = $"{DefaultsApp.AdminKey}\r", ["Mdfs:ReaderKey"] = $"{DefaultsApp.ReaderKey}\r\n" });
        Assert.Equal(HttpStatusCode.OK, (await Try(app.Client, DefaultsApp.AdminKey)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/read", ("X-Mdfs-Secret", DefaultsApp.ReaderKey))).StatusCode);
    }

    [Fact]
    public async Task Development_starts_with_the_known_keys_and_warns_of_both()
    {
        await using var app = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:AdminKey"] = null, ["Mdfs:ClusterKey"] = null }, environment: "Development");
        Assert.Equal(HttpStatusCode.OK, (await Try(app.Client, "admin888")).StatusCode);
        Assert.Contains(app.Logs.Lines, static line => line.StartsWith("Warning") && line.Contains("The admin key is the well-known default"));
        Assert.Contains(app.Logs.Lines, static line => line.StartsWith("Warning") && line.Contains("The cluster key is the well-known one"));
    }

    [Fact]
    public async Task Only_configured_proxies_may_say_where_a_client_is()
    {
        await using var open = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:KeyFailures"] = "1" });
        Assert.Equal(HttpStatusCode.Unauthorized, (await Try(open.Client, "wrong", "192.0.2.1")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await Try(open.Client, "wrong", "192.0.2.2")).StatusCode);

        await using var behind = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:KeyFailures"] = "1", ["Mdfs:TrustedProxies"] = "127.0.0.1;10.0.0.0/8" });
        Assert.Equal(HttpStatusCode.Unauthorized, (await Try(behind.Client, "wrong", "192.0.2.1")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Try(behind.Client, "wrong", "192.0.2.2")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await Try(behind.Client, "wrong", "192.0.2.1")).StatusCode);
        // The client wrote the first entry itself; the proxy at 10.0.0.9 and ours added the others.
        Assert.Equal(HttpStatusCode.TooManyRequests, (await Try(behind.Client, "wrong", "203.0.113.5, 192.0.2.1, 10.0.0.9")).StatusCode);
        using var stranger = behind.ClientFrom("127.0.0.2");
        Assert.Equal(HttpStatusCode.Unauthorized, (await Try(stranger, "wrong", "192.0.2.1")).StatusCode);
    }

    private static Task<HttpResponseMessage> Try(HttpClient client, string key, string? forwarded = null) => DefaultsApp.SendAsync(
        client, HttpMethod.Get, "/api/secret", [("X-Mdfs-Secret", key), .. forwarded is null ? Array.Empty<(string, string)>() : [("X-Forwarded-For", forwarded)]]);

    private static void Map(WebApplication app)
    {
        app.MapGet("/api/secret", () => "opened").RequireAdmin();
        app.MapGet("/delete", () => "OK:1").RequireAdmin().ChangesState();
        app.MapGet("/api/read", () => "read").RequireReader();
        app.MapPost("/upload", (HttpContext context, KeyGuard keys, string? field) => keys.RefuseAdmin(context, field) ?? (IResult)ClassicText.Ok("stored"))
            .AuthorisedByHandler("the admin key, which may be a form field");
    }

    private sealed class SignedPass : IAccessPass
    {
        public bool Admits(HttpContext context, AccessClass access) => access == AccessClass.Reader && context.Request.Query["signed"] == "yes";
    }
}
