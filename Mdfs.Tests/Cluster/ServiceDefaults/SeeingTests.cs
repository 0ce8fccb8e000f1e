using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

public sealed partial class SeeingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Classic_metrics_are_a_name_a_blank_and_a_number()
    {
        await using var app = await StartAsync("one", 5);
        var lines = (await app.Client.GetStringAsync("/metrics", Stop)).Split('\n');
        Assert.Equal("# HELP mdfs_worker_files Sealed movies on this node.", lines[0]);
        Assert.Equal("# TYPE mdfs_worker_files gauge", lines[1]);
        Assert.Equal("mdfs_worker_files 5", lines[2]);
        Assert.Contains("mdfs_worker_bytes_total 123456789012345", lines);
        Assert.Contains("mdfs_fill_ratio 0.25", lines);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Information")]
    public async Task The_client_of_Redis_is_heard_when_a_variable_without_a_dot_says_so(string? level)
    {
        await using var app = await DefaultsApp.StartAsync(static _ => { }, level is null ? null : new() { ["Logging:LogLevel:StackExchange"] = level });
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("StackExchange.Redis");
        Assert.Equal((level is not null, true), (logger.IsEnabled(LogLevel.Information), logger.IsEnabled(LogLevel.Warning)));
    }

    [Fact]
    public async Task Services_in_one_process_report_their_own_numbers_and_their_own_requests()
    {
        await using var one = await StartAsync("one", 1);
        await using var two = await StartAsync("two", 2);
        one.Services.GetRequiredService<InstanceTelemetry>().Meter.CreateCounter<long>("mdfs_pulls", description: "Pulls.").Add(3);
        two.Services.GetRequiredService<InstanceTelemetry>().Meter.CreateCounter<long>("mdfs_pulls", description: "Pulls.").Add(40);
        for (var i = 0; i < 7; i++) await one.GetAsync("/health");

        var first = Samples(await one.Client.GetStringAsync("/metrics", Stop));
        var second = Samples(await two.Client.GetStringAsync("/metrics", Stop));
        Assert.Equal(3, first["mdfs_pulls_total"]);
        Assert.Equal(40, second["mdfs_pulls_total"]);
        Assert.Equal(7, first.Where(static sample => IsHealthCount(sample.Key)).Sum(static sample => sample.Value));
        Assert.Equal(0, second.Where(static sample => IsHealthCount(sample.Key)).Sum(static sample => sample.Value));
        Assert.Contains(first, static sample => sample.Key.StartsWith("dotnet_"));
        Assert.Contains(first, static sample => sample.Key.StartsWith("kestrel_"));
    }

    [Fact]
    public async Task The_text_is_valid_whatever_the_scraper_asks_for()
    {
        await using var app = await StartAsync("one", 1);
        // The same family again from a meter: it must not come twice.
        app.Services.GetRequiredService<InstanceTelemetry>().Meter.CreateObservableGauge("mdfs_worker_files", () => 99, description: "Again.");
        app.Services.GetRequiredService<InstanceTelemetry>().Meter.CreateHistogram<double>("mdfs_upload_duration", "s", "How long.").Record(0.2);
        await app.GetAsync("/health");
        var answer = await app.GetAsync("/metrics", ("Accept", "application/openmetrics-text; version=1.0.0"), ("Accept-Encoding", "gzip"));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Empty(answer.Content.Headers.ContentEncoding);

        var text = await answer.Content.ReadAsStringAsync(Stop);
        var samples = Samples(text);
        Assert.Equal(1, samples["mdfs_worker_files"]);
        Assert.Contains("mdfs_upload_duration_seconds_count", samples.Keys);
        Assert.DoesNotContain(samples.Keys, static name => name.StartsWith("target_info") || name.Contains("otel_scope"));
    }

    [Fact]
    public async Task Head_of_metrics_has_no_body() =>
        await WithAsync(async app => Assert.Equal(HttpStatusCode.OK, (await app.SendAsync(HttpMethod.Head, "/metrics")).StatusCode));

    [Fact]
    public async Task Health_says_OK_and_a_sentence_for_each_check_that_does_not()
    {
        var state = HealthCheckResult.Healthy();
        await using var app = await DefaultsApp.StartAsync(
            app => app.MapMdfsHealth(),
            services: services => services.AddHealthChecks().AddCheck("redis", () => state).AddCheck("thrown", () => state.Status == HealthStatus.Unhealthy ? throw new InvalidOperationException("host redis-7 refused") : HealthCheckResult.Healthy()));
        Assert.Equal((200, "OK"), await HealthAsync(app, "/health"));

        state = HealthCheckResult.Degraded("The catalog is being rebuilt.");
        Assert.Equal((200, "OK\nThe catalog is being rebuilt."), await HealthAsync(app, "/health"));

        state = HealthCheckResult.Unhealthy("Redis is away.");
        Assert.Equal((503, "Redis is away.\nThe check 'thrown' failed; see the log."), await HealthAsync(app, "/health"));
        Assert.Equal((200, "OK"), await HealthAsync(app, "/alive"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await app.SendAsync(HttpMethod.Head, "/health")).StatusCode);
    }

    private static async Task<(int, string)> HealthAsync(DefaultsApp app, string target)
    {
        var answer = await app.GetAsync(target);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Stop));
    }

    private static async Task WithAsync(Func<DefaultsApp, Task> test)
    {
        await using var app = await StartAsync("one", 1);
        await test(app);
    }

    private static Task<DefaultsApp> StartAsync(string instance, double files) => DefaultsApp.StartAsync(
        app =>
        {
            app.MapMdfsHealth();
            app.MapMdfsMetrics(() =>
            [
                new ClassicMetric("mdfs_worker_files", ClassicMetric.Gauge, "Sealed movies on this node.", files),
                new ClassicMetric("mdfs_worker_bytes_total", ClassicMetric.Counter, "Their bytes.", 123456789012345),
                new ClassicMetric("mdfs_fill_ratio", ClassicMetric.Gauge, "A fraction.", 0.25),
            ]);
        },
        instance: instance);

    private static bool IsHealthCount(string sample) => sample.StartsWith("http_server_request_duration_seconds_count") && sample.Contains("\"/health\"");

    /// <summary>Reads the exposition format strictly: every family once, announced before its samples, with help for ours, and no sample twice.</summary>
    private static Dictionary<string, double> Samples(string text)
    {
        Assert.EndsWith("\n", text);
        var types = new Dictionary<string, string>();
        var helped = new HashSet<string>();
        var samples = new Dictionary<string, double>();
        var family = "";
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (Help().Match(line) is { Success: true } help)
            {
                Assert.True(helped.Add(help.Groups[1].Value), $"two HELP lines: {line}");
            }
            else if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                Assert.True(types.TryAdd(family, type.Groups[2].Value), $"two TYPE lines: {line}");
                Assert.Equal(type.Groups[2].Value == "counter", family.EndsWith("_total"));
            }
            else
            {
                var sample = Sample().Match(line);
                Assert.True(sample.Success, $"neither comment nor sample: {line}");
                var name = sample.Groups[1].Value;
                Assert.True(name == family || (types[family] == "histogram" && name.StartsWith(family)), $"outside its family: {line}");
                Assert.True(samples.TryAdd(name + sample.Groups[2].Value, double.Parse(sample.Groups[3].Value.Replace("+Inf", "Infinity"), CultureInfo.InvariantCulture)), $"twice: {line}");
            }
        }

        Assert.All(types.Keys.Where(static name => name.StartsWith("mdfs_")), name => Assert.Contains(name, helped));
        return samples;
    }

    [GeneratedRegex("^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+$")]
    private static partial Regex Help();

    [GeneratedRegex("^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$")]
    private static partial Regex Type();

    [GeneratedRegex("""^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"]*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="[^"]*")*,?\})? (\S+)( \d+)?$""")]
    private static partial Regex Sample();
}
