using System.Text.Json;
using System.Text.RegularExpressions;
using Mdfs.Tests.Cluster.ServiceDefaults;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What <c>deploy/</c> ships for Prometheus and Grafana, checked by Prometheus itself, and against the metrics that a cluster really has.</summary>
public sealed partial class ObservabilityTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string> Dashboards => [.. Directory.EnumerateFiles(Repository.File("deploy/grafana/dashboards"), "*.json").Select(file => Path.GetFileName(file)!)];

    [Theory]
    [InlineData("check config prometheus.yml")]
    [InlineData("check rules alerts.yml")]
    [InlineData("test rules alerts.test.yml")]
    public async Task Promtool_has_nothing_to_say_against(string command)
    {
        var words = command.Split(' ');
        await using var promtool = ServiceProcess.Run(Tools.Require("promtool"), [.. words[..^1], Repository.File($"deploy/prometheus/{words[^1]}")]);
        var exit = await promtool.WaitForExitAsync(Cancelled);
        Assert.True(exit == 0, promtool.Output);
    }

    [Fact]
    public void Every_alert_is_tried_and_says_what_to_do()
    {
        var (rules, tests, operations) = (Read("deploy/prometheus/alerts.yml"), Read("deploy/prometheus/alerts.test.yml"), Read("docs/operations.md"));
        var alerts = AlertName().Matches(rules).Select(static match => match.Groups[1].Value).ToList();
        Assert.True(alerts.Count >= 12);
        Assert.Equal(alerts.Count, Regex.Count(rules, "severity: (page|ticket)"));
        Assert.All(alerts, alert =>
        {
            Assert.Contains($"\"{alert}\"", tests);
            Assert.Contains($"(docs/operations.md#{alert.ToLowerInvariant()})", rules);
            Assert.Contains($"### {alert}\n", operations);
        });
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void A_dashboard_has_no_two_panels_in_one_place_and_asks_the_data_source_that_is_provisioned(string dashboard)
    {
        using var json = JsonDocument.Parse(Read($"deploy/grafana/dashboards/{dashboard}"));
        var panels = json.RootElement.GetProperty("panels").EnumerateArray().ToList();
        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        var taken = new HashSet<(int, int)>();
        foreach (var place in panels.Select(panel => panel.GetProperty("gridPos")))
        {
            var (x, y, w, h) = (place.GetProperty("x").GetInt32(), place.GetProperty("y").GetInt32(), place.GetProperty("w").GetInt32(), place.GetProperty("h").GetInt32());
            Assert.InRange(x + w, 1, 24);
            for (var column = x; column < x + w; column++)
            {
                for (var row = y; row < y + h; row++)
                    Assert.True(taken.Add((column, row)), $"{dashboard}: two panels at {column}, {row}");
            }
        }

        Assert.Contains("uid: mdfs", Read("deploy/grafana/provisioning/datasources/mdfs.yml"));
        Assert.All(panels, panel => Assert.True(!panel.TryGetProperty("datasource", out var source) || source.GetProperty("uid").GetString() == "mdfs"));
    }

    [Fact]
    public async Task Prometheus_scrapes_a_cluster_and_finds_all_that_alerts_and_dashboards_ask_for()
    {
        Tools.Require("prometheus");
        await using var cluster = await TestCluster.StartAsync(Cancelled);
        await using var web = await WebRig.StartAsync(cluster, Cancelled);
        await using var prometheus = new PrometheusServer(
            [.. cluster.Workers.Select(worker => ($"{worker.Name}:8081", worker.Address)), ("master:8080", cluster.Client.Master), ("web:8080", web.Address)]);
        await prometheus.WaitForTargetsAsync(5, Cancelled);

        // Something of everything: stored, overwritten, played, sought, deleted, healed.
        var movie = new MovieBytes(1, 3_000_000);
        foreach (var name in (string[])["seen.mp4", "seen.mp4", "gone.mp4"])
            await Patiently.StoreAsync(cluster.Client, name, movie, Cancelled);
        await Patiently.DeleteAsync(cluster.Client, "gone.mp4", Cancelled);
        await cluster.Client.AssertHoldsAsync("seen.mp4", movie, Cancelled);
        await cluster.Client.ListAsync(Cancelled);

        var dashboards = Directory.EnumerateFiles(Repository.File("deploy/grafana/dashboards"), "*.json").SelectMany(Expressions).ToList();
        Assert.True(dashboards.Count > 40);
        foreach (var expression in dashboards)
        {
            var query = expression.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal);
            await Eventually.TrueAsync(async () => (await prometheus.QueryAsync(query, Cancelled)).Count > 0, $"a panel with something in it: {query}", MdfsClient.Patience, Cancelled);
        }

        var metrics = MetricName().Matches(Read("deploy/prometheus/alerts.yml")).Select(static match => match.Value).Distinct().ToList();
        Assert.True(metrics.Count > 10);
        foreach (var metric in metrics)
            Assert.True((await prometheus.QueryAsync(metric, Cancelled)).Count > 0, $"No service has the metric {metric}, which an alert asks for.");

        // The embedded store promises less than Redis; nothing else is wrong.
        // A beat that came late may have been on its way to an alert.
        await Eventually.TrueAsync(
            async () => (await prometheus.QueryAsync("ALERTS", Cancelled)).Select(alert => alert.GetProperty("metric").GetProperty("alertname").GetString()).Distinct() is var pending && pending.SequenceEqual(["MdfsRedisWeak"]),
            "no other alert is pending", MdfsClient.Patience, Cancelled);

        // No name of a movie has become a label.
        Assert.Empty(await prometheus.QueryAsync("{__name__=~\".+\",name=~\".+\"}", Cancelled));
        Assert.DoesNotContain("seen.mp4", await cluster.Client.Http.GetStringAsync("metrics", Cancelled));
    }

    [Fact]
    public async Task The_classic_numbers_go_out_over_OTLP_as_well()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        // What is measured goes out when the services end.
        await using (var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
            Assert.Equal(1, await cluster.Client.MetricAsync("mdfs_up", Cancelled));

        var sent = receiver.Of("metrics");
        string[] classic = ["mdfs_active_nodes", "mdfs_total_files", "mdfs_under_replicated_files", "mdfs_up", "mdfs_worker_files", "mdfs_worker_bytes_total", "mdfs_worker_up"];
        // As the format has a text: its length stands in front, so that no longer name counts.
        Assert.All(classic, name => Assert.Contains(sent, body => body.Contains($"\n{(char)name.Length}{name}", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Expressions(string dashboard)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(dashboard));
        return [.. json.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)];
    }

    private static string Read(string file) => File.ReadAllText(Repository.File(file)).ReplaceLineEndings("\n");

    [GeneratedRegex(@"^ +- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex AlertName();

    // Followed by neither an underscore nor a slash: job names and runbooks are no metrics.
    [GeneratedRegex(@"\b(mdfs|http_server|kestrel|dotnet)_\w+\b(?!/)")]
    private static partial Regex MetricName();
}
