using System.Globalization;
using System.Text.Json;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Web.Api;

/// <summary>
/// The master as the console's pages ask it: over HTTP, with the admin key, which never leaves this process. Every ending is an answer: a page never
/// fails because the master is away.
/// </summary>
public sealed class MasterApi : IDisposable
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    // A listing of 100 000 movies takes some ten milliseconds; who is silent for longer than this is called away.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    // A verification re-reads a movie, and a deletion or another change may wait for a Redis that blinks (CommitWait).
    private static readonly TimeSpan _longPatience = TimeSpan.FromHours(24);

    private readonly MasterAddresses _addresses;
    private readonly HttpClient _http;
    private readonly ConsoleProof _proof;

    public MasterApi(MasterAddresses addresses, ConsoleProof proof)
    {
        _addresses = addresses;
        _proof = proof;
        _http = new HttpClient(new SentOnce(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            // What may take a day is silent meanwhile: only probes tell a master that is busy from one that has lost its power.
            ConnectCallback = ProbedConnection.OpenForQuestionsAsync,
        }))
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public Task<MasterAnswer<Cluster>> ClusterAsync(CancellationToken cancellationToken) => GetAsync<Cluster>("/api/cluster", cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<Node>>> NodesAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<Node>>("/api/nodes", cancellationToken);

    public Task<MasterAnswer<History>> HistoryAsync(int minutes, CancellationToken cancellationToken) =>
        GetAsync<History>(string.Create(CultureInfo.InvariantCulture, $"/api/cluster/history?minutes={minutes}"), cancellationToken);

    public Task<MasterAnswer<MoviePage>> MoviesAsync(MovieQuery query, CancellationToken cancellationToken) => GetAsync<MoviePage>(query.Path, cancellationToken);

    public Task<MasterAnswer<Movie>> MovieAsync(string name, CancellationToken cancellationToken) => GetAsync<Movie>(FilePath(name), cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<Tombstone>>> TombstonesAsync(CancellationToken cancellationToken) =>
        GetAsync<IReadOnlyList<Tombstone>>("/api/tombstones", cancellationToken);

    public Task<MasterAnswer<ActivityPage>> ActivityAsync(int limit, string? before, string? kind, CancellationToken cancellationToken) =>
        GetAsync<ActivityPage>(
            string.Create(CultureInfo.InvariantCulture, $"/api/activity?limit={limit}")
            + (before is null ? "" : $"&before={Uri.EscapeDataString(before)}") + (kind is null ? "" : $"&kind={Uri.EscapeDataString(kind)}"),
            cancellationToken);

    public Task<MasterAnswer<SettingsInForce>> SettingsAsync(CancellationToken cancellationToken) => GetAsync<SettingsInForce>("/api/settings", cancellationToken);

    /// <param name="authority">Host and port under which the browser knows us: the links lead there.</param>
    public Task<MasterAnswer<Links>> LinksAsync(string name, string authority, CancellationToken cancellationToken) =>
        SendAsync<Links>(HttpMethod.Get, FilePath(name) + "/links", null, _patience, cancellationToken, authority);

    /// <summary>The playlist of all movies whose name holds <paramref name="query"/>, as text.</summary>
    /// <param name="authority">As for <see cref="LinksAsync"/>.</param>
    public Task<MasterAnswer<string>> PlaylistAsync(string query, string authority, CancellationToken cancellationToken) => SendAsync<string>(
        HttpMethod.Get, "/api/playlist.m3u8" + (query.Length > 0 ? $"?query={Uri.EscapeDataString(query)}" : ""), null, _longPatience, cancellationToken, authority);

    /// <summary>Re-reads every copy: takes as long as reading the movie.</summary>
    public Task<MasterAnswer<IReadOnlyList<Verdict>>> VerifyAsync(string name, CancellationToken cancellationToken) =>
        SendAsync<IReadOnlyList<Verdict>>(HttpMethod.Post, FilePath(name) + "/verify", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<VerifyProgress>> VerifyProgressAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<VerifyProgress>(FilePath(name) + "/verify", cancellationToken);

    public Task<MasterAnswer<Deletion>> DeleteAsync(string name, CancellationToken cancellationToken) =>
        SendAsync<Deletion>(HttpMethod.Delete, FilePath(name), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<Trashed>>> TrashAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<Trashed>>("/api/trash", cancellationToken);

    /// <summary>Re-reads the movie's bytes: takes as long as that.</summary>
    public Task<MasterAnswer<Restored>> UndeleteAsync(string name, long version, CancellationToken cancellationToken) => SendAsync<Restored>(
        HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"{FilePath(name)}/undelete?version={version}"), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> ForgetNodeAsync(string id, bool force, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Delete, $"/api/nodes/{Uri.EscapeDataString(id)}{(force ? "?force=true" : "")}", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<RefusedNode>>> RefusedNodesAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<RefusedNode>>("/api/nodes/refused", cancellationToken);

    /// <summary>Lets a refused worker take the place of the one that had its name.</summary>
    public Task<MasterAnswer<Nothing>> ConfirmNodeAsync(string id, bool force, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Post, $"/api/nodes/{Uri.EscapeDataString(id)}/confirm{(force ? "?force=true" : "")}", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<ScrubNode>>> ScrubAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<ScrubNode>>("/api/scrub", cancellationToken);

    /// <param name="node">Null: all that are live.</param>
    public Task<MasterAnswer<Nothing>> TellScrubAsync(string? node, bool start, CancellationToken cancellationToken) => SendAsync<Nothing>(
        HttpMethod.Post, $"/api/scrub/{(start ? "start" : "pause")}{(node is null ? "" : $"?node={Uri.EscapeDataString(node)}")}", null, _longPatience, cancellationToken);

    /// <summary>How far a drain is, or what one would have to do.</summary>
    public Task<MasterAnswer<Drain>> DrainAsync(string node, CancellationToken cancellationToken) => GetAsync<Drain>(DrainPath(node), cancellationToken);

    /// <summary>What a drain at this limit would have to do.</summary>
    public Task<MasterAnswer<Drain>> TryDrainAsync(string node, long bytesPerSecond, CancellationToken cancellationToken) =>
        SendAsync<Drain>(HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"{DrainPath(node)}?dryRun=true&bytesPerSecond={bytesPerSecond}"), null, _longPatience, cancellationToken);

    /// <summary>Begins one, or lets a paused one go on.</summary>
    /// <param name="bytesPerSecond">A limit over all its copies; 0: none; null: as it was before a pause.</param>
    public Task<MasterAnswer<Drain>> BeginDrainAsync(string node, bool force, long? bytesPerSecond, CancellationToken cancellationToken) => SendAsync<Drain>(
        HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"{DrainPath(node)}?force={(force ? "true" : "false")}{(bytesPerSecond is { } limit ? $"&bytesPerSecond={limit}" : "")}"), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Drain>> PauseDrainAsync(string node, CancellationToken cancellationToken) =>
        SendAsync<Drain>(HttpMethod.Post, DrainPath(node) + "/pause", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> EndDrainAsync(string node, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Delete, DrainPath(node), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<MaintenanceBegun>> BeginMaintenanceAsync(string node, TimeSpan length, CancellationToken cancellationToken) => SendAsync<MaintenanceBegun>(
        HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"{MaintenancePath(node)}?seconds={(long)length.TotalSeconds}"), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> EndMaintenanceAsync(string node, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Delete, MaintenancePath(node), null, _longPatience, cancellationToken);

    /// <summary>The rebalance under way, or what one would do.</summary>
    public Task<MasterAnswer<RebalanceFacts>> RebalanceAsync(CancellationToken cancellationToken) => GetAsync<RebalanceFacts>("/api/rebalance", cancellationToken);

    /// <param name="bytesPerSecond">A limit over all moves; 0: none; null: as configured, or as it was before a pause.</param>
    public Task<MasterAnswer<Nothing>> StartRebalanceAsync(long? bytesPerSecond, CancellationToken cancellationToken) => SendAsync<Nothing>(
        HttpMethod.Post, "/api/rebalance" + (bytesPerSecond is { } limit ? string.Create(CultureInfo.InvariantCulture, $"?bytesPerSecond={limit}") : ""), null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> PauseRebalanceAsync(CancellationToken cancellationToken) => SendAsync<Nothing>(HttpMethod.Post, "/api/rebalance/pause", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> EndRebalanceAsync(CancellationToken cancellationToken) => SendAsync<Nothing>(HttpMethod.Delete, "/api/rebalance", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<IReadOnlyList<Quarantined>>> QuarantineAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<Quarantined>>("/api/quarantine", cancellationToken);

    public Task<MasterAnswer<Restored>> AdoptAsync(string node, string id, string name, CancellationToken cancellationToken) =>
        SendAsync<Restored>(HttpMethod.Post, $"{QuarantinePath(node, id)}/adopt?name={Uri.EscapeDataString(name)}", null, _longPatience, cancellationToken);

    public Task<MasterAnswer<Nothing>> PurgeAsync(string node, string id, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Delete, QuarantinePath(node, id), null, _longPatience, cancellationToken);

    /// <summary>Puts what happened in the console into the cluster's activity; a master that is away or does not keep one is no reason to refuse anything.</summary>
    public Task<MasterAnswer<Nothing>> TellAsync(Told told, CancellationToken cancellationToken) =>
        SendAsync<Nothing>(HttpMethod.Post, "/api/activity", told, _patience, cancellationToken);

    public static string FilePath(string name) => $"/api/files/{Uri.EscapeDataString(name)}";

    public void Dispose() => _http.Dispose();

    private static string MaintenancePath(string node) => $"/api/nodes/{Uri.EscapeDataString(node)}/maintenance";

    private static string QuarantinePath(string node, string id) => $"/api/quarantine/{Uri.EscapeDataString(node)}/{Uri.EscapeDataString(id)}";

    private static string DrainPath(string node) => $"/api/nodes/{Uri.EscapeDataString(node)}/drain";

    private Task<MasterAnswer<T>> GetAsync<T>(string path, CancellationToken cancellationToken)
        where T : class => SendAsync<T>(HttpMethod.Get, path, null, _patience, cancellationToken);

    private async Task<MasterAnswer<T>> SendAsync<T>(HttpMethod method, string path, object? body, TimeSpan patience, CancellationToken cancellationToken, string host = "localhost")
        where T : class
    {
        if (_addresses.Current is not { } address) return MasterRefusal.Silent("it is starting");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            using var request = new HttpRequestMessage(method, address + path);
            _proof.Show(request.Headers);
            // Unless links are asked for, a name that every service answers to, whatever it is called outside.
            request.Headers.Host = host;
            if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), options: _json);
            using var response = await _http.SendAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode) return await RefusalAsync(response, limit.Token);
            if (typeof(T) == typeof(Nothing)) return (T)(object)Nothing.Instance;
            if (typeof(T) == typeof(string)) return (T)(object)await response.Content.ReadAsStringAsync(limit.Token);
            var value = await response.Content.ReadFromJsonAsync<T>(_json, limit.Token);
            return value is null ? MasterRefusal.Silent("it gave an empty answer") : value;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _addresses.Rotate(address);
            return MasterRefusal.Silent("it is silent");
        }
        catch (HttpRequestException failure)
        {
            _addresses.Rotate(address);
            return MasterRefusal.Silent(failure.Message);
        }
        catch (JsonException)
        {
            return MasterRefusal.Silent("its answer cannot be read");
        }
    }

    private static async Task<MasterRefusal> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<ProblemBody>(_json, cancellationToken);
            return new MasterRefusal(status, problem?.Type?.Split(':')[^1] ?? $"http-{status}", problem?.Detail ?? response.ReasonPhrase ?? "");
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException)
        {
            return new MasterRefusal(status, $"http-{status}", response.ReasonPhrase ?? "");
        }
    }

    private sealed record ProblemBody(string? Type, string? Detail);
}
