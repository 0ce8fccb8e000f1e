using System.Text;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>Design, section 8: no key in any log or span, however it was sent and however the logs are configured.</summary>
public sealed class SecrecyTests
{
    // An operator who turned everything up, by every kind of rule.
    private static readonly Dictionary<string, string?> _loudest = new()
    {
        ["Logging:LogLevel:Default"] = "Trace",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Trace",
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "Trace",
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics*"] = "Trace",
        ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel.BadRequests"] = "Trace",
        ["Logging:OpenTelemetry:LogLevel:Default"] = "Trace",
        ["Logging:OpenTelemetry:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "Trace",
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["Mdfs:KeyFailures"] = "1000",
        ["Mdfs:ReaderKey"] = DefaultsApp.ReaderKey,
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_key_is_in_any_log_or_span()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var behind = await DefaultsApp.StartAsync(static app => app.MapGet("/next", static () => "next").Open(), With(receiver), instance: "behind");
        await using var app = await DefaultsApp.StartAsync(app => Map(app, behind.Address), With(receiver), services => services.AddSingleton<INodeAuthority, NobodyKnown>(), instance: "front");
        string[] keys = [DefaultsApp.AdminKey, DefaultsApp.ReaderKey, DefaultsApp.ClusterKey];
        foreach (var key in keys) await SendEverywhereAsync(app, key);
        await EndAsync(app, behind);

        var spans = string.Concat(receiver.Of("traces"));
        var exportedLogs = string.Concat(receiver.Of("logs"));
        var logs = string.Join('\n', app.Logs.Lines.Concat(behind.Logs.Lines));
        // The search means something: the requests are there.
        Assert.Contains("/api/change", spans);
        Assert.Contains("/next", spans);
        Assert.Contains("The handler was here.", exportedLogs);
        Assert.Contains("The handler was here.", logs);
        foreach (var key in keys)
        {
            Assert.DoesNotContain(key, spans);
            Assert.DoesNotContain(key, exportedLogs);
            Assert.DoesNotContain(key, logs);
            // Of a near miss, as a person types it, nothing may remain either.
            Assert.DoesNotContain($"x{key[1..]}", spans);
            Assert.DoesNotContain($"x{key[1..]}", exportedLogs);
            Assert.DoesNotContain($"x{key[1..]}", logs);
        }

        Assert.DoesNotContain("url.query", spans);
    }

    [Fact]
    public async Task Each_service_of_one_process_exports_its_own_spans_and_they_make_one_trace()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var other = await OtlpReceiver.StartAsync();
        await using var behind = await DefaultsApp.StartAsync(static app => app.MapGet("/next", static () => "next").Open(), With(other), instance: "behind");
        await using var app = await DefaultsApp.StartAsync(app => Map(app, behind.Address), With(receiver), instance: "front");
        await app.SendAsync(HttpMethod.Put, "/api/change", ("X-Mdfs-Secret", DefaultsApp.AdminKey), ("traceparent", "00-11223344556677889900aabbccddeeff-0102030405060708-01"));
        using (app.Services.GetRequiredService<InstanceTelemetry>().Activities.StartActivity("repair"))
        {
        }

        await EndAsync(app, behind);
        var front = string.Concat(receiver.Of("traces"));
        var back = string.Concat(other.Of("traces"));
        Assert.Contains("PUT /api/change", front);
        Assert.Contains("repair", front);
        Assert.DoesNotContain("GET /next", front);
        Assert.Contains("GET /next", back);
        Assert.DoesNotContain("PUT /api/change", back);
        Assert.DoesNotContain("repair", back);
    }

    [Fact]
    public async Task Without_an_endpoint_nothing_is_exported_and_no_tracing_runs()
    {
        await using var app = await DefaultsApp.StartAsync(static app => app.MapGet("/", static () => "").Open());
        Assert.Null(app.Services.GetService<TracerProvider>());
        Assert.Null(app.Services.GetService<LoggerProvider>());
    }

    private static Dictionary<string, string?> With(OtlpReceiver receiver) => new(_loudest) { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Endpoint };

    // A span ends after its answer has gone out; stopping waits for that.
    private static async Task EndAsync(params DefaultsApp[] apps)
    {
        foreach (var app in apps)
        {
            await app.StopAsync();
            Assert.True(app.Services.GetRequiredService<TracerProvider>().ForceFlush(10_000));
            Assert.True(app.Services.GetRequiredService<LoggerProvider>().ForceFlush(10_000));
        }
    }

    private static async Task SendEverywhereAsync(DefaultsApp app, string right)
    {
        foreach (var key in new[] { right, $"x{right[1..]}" })
        {
            var exact = key == right;
            await app.SendAsync(HttpMethod.Put, "/api/change", ("Authorization", $"Bearer {key}"));
            await app.SendAsync(HttpMethod.Put, "/api/change", ("X-Mdfs-Secret", key));
            await app.SendAsync(HttpMethod.Put, $"/api/change?secret={key}");
            await app.SendAsync(HttpMethod.Put, $"/api/change?{key}");
            await app.SendAsync(HttpMethod.Put, $"/api/change?%73ecret={Uri.HexEscape(key[0])}{key[1..]}");
            await app.GetAsync($"/api/read?name=a&key={key}");
            await app.GetAsync($"/api/broken?secret={key}");
            await app.GetAsync($"/api/moved?secret={key}");
            await app.GetAsync($"/nothing?secret={key}");
            await app.SendAsync(HttpMethod.Put, "/api/change", ("Authorization", $"Basic {key}"), ("Cookie", $"secret={key}"), ("X-Mdfs-Node-Token", key), ("Origin", $"http://{key}"));
            await app.SendAsync(HttpMethod.Post, "/internal/control", ("X-Mdfs-Node-Token", key), ("X-Mdfs-Secret", key));
            await RawAsync(app, $"GET /delete?secret={key} with blanks HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await RawAsync(app, $"{key}\r\n\r\n");
            await RawAsync(app, $"GET / HTTP/1.1\r\nHost: {key}?\r\n\r\n");
            // A key that we know is found in the wrong places too; what is merely like one is a file name like any other there.
            if (!exact) continue;
            await app.GetAsync("/nothing", ("User-Agent", key));
            await app.GetAsync($"/api/files/{key}");
            await app.GetAsync($"/api/files/{Uri.HexEscape(key[0])}{key[1..]}");
        }
    }

    private static async Task RawAsync(DefaultsApp app, string request)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(app.Address.Host, app.Address.Port, Stop);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Stop);
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 40", await reader.ReadToEndAsync(Stop));
    }

    private static void Map(WebApplication app, Uri behind)
    {
        var http = new HttpClient { BaseAddress = behind };
        app.MapPut("/api/change", async (HttpContext context, ILogger<SecrecyTests> logger) =>
        {
            logger.LogInformation("The handler was here.");
            return await http.GetStringAsync($"/next{context.Request.QueryString}", context.RequestAborted);
        }).RequireAdmin();
        app.MapGet("/api/read", static () => "read").RequireReader();
        app.MapGet("/api/broken", static string () => throw new InvalidOperationException("broken")).Open();
        app.MapGet("/api/moved", static (HttpContext context) => Results.Redirect($"/elsewhere{context.Request.QueryString}")).Open();
        app.MapGet("/api/files/{name}", static (string name) => name.Length).Open();
        app.MapPost("/internal/control", static () => "").RequireNode(NodePurpose.Control);
    }

    private sealed class NobodyKnown : INodeAuthority
    {
        public string Receiver => "master";

        public long Now => 0;

        public bool TellsTime => true;

        public NodeRefusal? Judge(NodeToken token, string method) => null;
    }
}
