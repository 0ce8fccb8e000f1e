using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Mdfs.Tests.Support;

/// <summary>A real Prometheus with the configuration that ships, pointed at a cluster of the tests.</summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly ServiceProcess _process;
    private readonly HttpClient _http;

    /// <param name="targets">What the shipped configuration calls each service, and where that one is here.</param>
    public PrometheusServer(IEnumerable<(string Shipped, Uri Here)> targets)
    {
        var port = TestPorts.Next();
        var configuration = File.ReadAllText(Repository.File("deploy/prometheus/prometheus.yml")).Replace("_interval: 15s", "_interval: 1s", StringComparison.Ordinal);
        foreach (var (shipped, here) in targets)
        {
            Assert.Contains($"\"{shipped}\"", configuration);
            configuration = configuration.Replace($"\"{shipped}\"", $"\"{here.Authority}\"", StringComparison.Ordinal);
        }

        File.WriteAllText(_temp["prometheus.yml"], configuration);
        File.Copy(Repository.File("deploy/prometheus/alerts.yml"), _temp["alerts.yml"]);
        _process = ServiceProcess.Run(Tools.Require("prometheus"),
            [$"--config.file={_temp["prometheus.yml"]}", $"--storage.tsdb.path={_temp["data"]}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]);
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
    }

    public Task WaitForTargetsAsync(int count, CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () => (await TryQueryAsync("up == 1", cancellationToken)).Count == count, $"{count} scraped targets: {_process.Output}", MdfsClient.Patience, cancellationToken);

    /// <summary>The samples that a query gives now; fails with Prometheus' own words when it is none.</summary>
    public async Task<IReadOnlyList<JsonElement>> QueryAsync(string query, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"api/v1/query?query={Uri.EscapeDataString(query)}", cancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{query}: {answer}");
        return [.. answer.GetProperty("data").GetProperty("result").EnumerateArray()];
    }

    private async Task<IReadOnlyList<JsonElement>> TryQueryAsync(string query, CancellationToken cancellationToken)
    {
        try
        {
            return await QueryAsync(query, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException && !_process.HasExited)
        {
            // It does not listen yet, or says in plain text that it is not ready.
            return [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
        _temp.Dispose();
    }
}
