using System.Net;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

public sealed class ForeignRequestTests
{
    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "something-new", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK)]
    [InlineData("Sec-Fetch-Site", "none", HttpStatusCode.OK)]
    [InlineData("Origin", "http://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "http://127.0.0.1", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "http://{host}", HttpStatusCode.OK)]
    [InlineData("X-Harmless", "1", HttpStatusCode.OK)]
    public async Task What_changes_state_is_refused_when_a_browser_marks_it_foreign(string header, string value, HttpStatusCode expected)
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        var marks = (header, value.Replace("{host}", app.Address.Authority));
        Assert.Equal(expected, (await app.SendAsync(HttpMethod.Put, "/api/change", marks, Key)).StatusCode);
        Assert.Equal(expected, (await app.GetAsync("/delete", marks, Key)).StatusCode);
        Assert.Equal(expected, (await app.SendAsync(HttpMethod.Post, "/open", marks)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/read", marks)).StatusCode);
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("rebound.evil.example", (HttpStatusCode)421)]
    public async Task A_host_name_that_is_not_ours_gets_nowhere(string host, HttpStatusCode expected)
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        Assert.Equal(expected, (await app.SendAsync(HttpMethod.Put, "/api/change", ("Host", host), Key)).StatusCode);
        Assert.Equal(expected, (await app.GetAsync("/delete", ("Host", host), Key)).StatusCode);
        Assert.Equal(expected, (await app.GetAsync("/api/read", ("Host", host))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/open", ("Host", host))).StatusCode);
    }

    [Theory]
    [InlineData("b\u00fccher.example")]
    [InlineData("xn--bcher-kva.example")]
    public async Task A_name_in_any_script_is_ours_however_it_is_written_down(string configured)
    {
        await using var app = await DefaultsApp.StartAsync(Map, new() { ["Mdfs:AllowedHosts"] = configured });
        var host = ("Host", "xn--bcher-kva.example");
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/read", host)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.SendAsync(HttpMethod.Put, "/api/change", host, ("Origin", "http://xn--bcher-kva.example"), Key)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await app.SendAsync(HttpMethod.Put, "/api/change", host, ("Origin", "http://xn--bcher-kvb.example"), Key)).StatusCode);
    }

    [Theory]
    [InlineData("xn--a")]
    [InlineData("xn--a.example:80")]
    public async Task A_name_that_is_none_is_refused_and_no_error_of_ours(string host)
    {
        await using var app = await DefaultsApp.StartAsync(Map);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await app.GetAsync("/api/read", ("Host", host))).StatusCode);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await app.SendAsync(HttpMethod.Put, "/api/change", ("Host", host), ("Origin", $"http://{host}"), Key)).StatusCode);
        Assert.DoesNotContain(app.Logs.Lines, static line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://*:0")]
    [InlineData("http://127.0.0.1:0;http://0.0.0.0:0")]
    public async Task Development_with_known_keys_refuses_to_listen_beyond_this_machine(string urls)
    {
        var refusal = await Assert.ThrowsAsync<SettingException>(
            () => DefaultsApp.StartAsync(Map, new() { ["urls"] = urls, ["Mdfs:AdminKey"] = null }, environment: "Development"));
        Assert.Contains("listens on loopback only", refusal.Message);
        await Assert.ThrowsAsync<SettingException>(
            () => DefaultsApp.StartAsync(Map, new() { ["urls"] = urls, ["Mdfs:ClusterKey"] = null }, environment: "Development"));
    }

    [Fact]
    public async Task Addresses_given_in_code_are_refused_as_well()
    {
        await Assert.ThrowsAsync<SettingException>(
            () => DefaultsApp.StartAsync(app => app.Urls.Add("http://0.0.0.0:0"), new() { ["urls"] = null, ["Mdfs:AdminKey"] = null }, environment: "Development"));
    }

    [Fact]
    public async Task Development_with_keys_of_its_own_listens_anywhere()
    {
        await using var app = await DefaultsApp.StartAsync(Map, new() { ["urls"] = "http://0.0.0.0:0" }, environment: "Development");
        Assert.Equal("0.0.0.0", app.Address.Host);
    }

    [Theory]
    [InlineData("Development", null, "http://localhost:8080")]
    [InlineData("Production", null, "http://*:8080")]
    [InlineData("Development", "http://127.0.0.1:9", "http://127.0.0.1:9")]
    public void The_default_address_yields_to_configuration(string environment, string? urls, string expected)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("urls", urls), KeyValuePair.Create("http_ports", (string?)null)]);
        builder.ListenOnLoopbackInDevelopment(8080);
        Assert.Equal(expected, builder.Configuration["urls"]);
    }

    private static (string, string) Key => ("X-Mdfs-Secret", DefaultsApp.AdminKey);

    private static void Map(WebApplication app)
    {
        app.MapPut("/api/change", () => "changed").RequireAdmin();
        app.MapGet("/delete", () => "OK:1").RequireAdmin().ChangesState();
        app.MapGet("/api/read", () => "read").RequireReader();
        app.MapGet("/open", () => "open").Open();
        app.MapPost("/open", () => "open").Open();
    }
}
