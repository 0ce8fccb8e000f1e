using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Protocol.Http;

namespace Mdfs.Cli.Server;

/// <summary>The master's <c>/api</c> over HTTP. No redirects: the key must not follow one to another host.</summary>
internal sealed class MasterClient : IDisposable
{
    /// <summary>What answers from memory takes no longer; transfers are limited by silence instead.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web);

    private readonly HttpClient _asking;
    private readonly HttpClient _sending;

    public MasterClient(Uri url, string? key)
    {
        Url = url;
        HasKey = key is not null;
        // A verification may be silent for hours: who has lost power meanwhile is found out by the probes.
        _asking = Client(url, key, ProbedConnection.OpenForQuestionsAsync);
        _sending = Client(url, key, ProbedConnection.OpenAsync);
    }

    /// <summary>Ends in a slash.</summary>
    public Uri Url { get; }

    public bool HasKey { get; }

    public static string Path(string name) => $"api/files/{Uri.EscapeDataString(name)}";

    /// <summary>Null: there is none.</summary>
    public async Task<Movie?> FindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync<Movie>(Path(name), cancellationToken);
        }
        catch (Refusal refusal) when (refusal.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public async IAsyncEnumerable<Movie> ListAsync(string? query, string? sort, int limit, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? cursor = null;
        var left = limit;
        do
        {
            var page = await GetAsync<MoviePage>(
                $"api/files?limit={Math.Min(left, 1000)}&query={Uri.EscapeDataString(query ?? "")}&sort={Uri.EscapeDataString(sort ?? "name")}{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}",
                cancellationToken);
            foreach (var movie in page.Files)
                yield return movie;
            left -= page.Files.Count;
            cursor = page.Next;
        }
        while (cursor is not null && left > 0);
    }

    public Task<Deleted> DeleteAsync(string name, CancellationToken cancellationToken) => AskAsync<Deleted>(HttpMethod.Delete, Path(name), cancellationToken);

    /// <summary>Takes as long as re-reading every copy does.</summary>
    public async Task<IReadOnlyList<Verdict>> VerifyAsync(string name, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, $"{Path(name)}/verify"), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<List<Verdict>>(response, cancellationToken);
    }

    public Task<Links> LinksAsync(string name, CancellationToken cancellationToken) => GetAsync<Links>($"{Path(name)}/links", cancellationToken);

    public Task<Cluster> ClusterAsync(CancellationToken cancellationToken) => GetAsync<Cluster>("api/cluster", cancellationToken);

    public Task<List<Node>> NodesAsync(CancellationToken cancellationToken) => GetAsync<List<Node>>("api/nodes", cancellationToken);

    public async Task ForgetNodeAsync(string id, bool force, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"api/nodes/{Uri.EscapeDataString(id)}?force={(force ? "true" : "false")}");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    /// <summary>How far a drain has come, or what one would have to do.</summary>
    /// <param name="bytesPerSecond">At this limit; null: at the one it has.</param>
    public Task<Drain> DrainAsync(string id, long? bytesPerSecond, CancellationToken cancellationToken) =>
        AskAsync<Drain>(HttpMethod.Post, $"{DrainPath(id)}?dryRun=true{Limit(bytesPerSecond)}", cancellationToken);

    /// <param name="bytesPerSecond">A limit over all its copies; 0: none; null: as it was before, and none at first.</param>
    public Task<Drain> BeginDrainAsync(string id, bool force, long? bytesPerSecond, CancellationToken cancellationToken) =>
        AskAsync<Drain>(HttpMethod.Post, $"{DrainPath(id)}?force={(force ? "true" : "false")}{Limit(bytesPerSecond)}", cancellationToken);

    public Task<Drain> PauseDrainAsync(string id, CancellationToken cancellationToken) => AskAsync<Drain>(HttpMethod.Post, $"{DrainPath(id)}/pause", cancellationToken);

    public async Task CancelDrainAsync(string id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, DrainPath(id));
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<List<Scrub>> ScrubsAsync(CancellationToken cancellationToken) => GetAsync<List<Scrub>>("api/scrub", cancellationToken);

    /// <param name="action"><c>start</c> or <c>pause</c>.</param>
    /// <param name="id">Of a worker; null: all that live.</param>
    public async Task TellScrubAsync(string action, string? id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/scrub/{action}{(id is null ? "" : $"?node={Uri.EscapeDataString(id)}")}");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<List<Refused>> RefusedAsync(CancellationToken cancellationToken) => GetAsync<List<Refused>>("api/nodes/refused", cancellationToken);

    public async Task ConfirmNodeAsync(string id, bool force, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/nodes/{Uri.EscapeDataString(id)}/confirm?force={(force ? "true" : "false")}");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<Maintenance> BeginMaintenanceAsync(string id, TimeSpan length, CancellationToken cancellationToken) => AskAsync<Maintenance>(
        HttpMethod.Post, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{MaintenancePath(id)}?seconds={(long)length.TotalSeconds}"), cancellationToken);

    public async Task EndMaintenanceAsync(string id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, MaintenancePath(id));
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<Rebalance> RebalanceAsync(CancellationToken cancellationToken) => GetAsync<Rebalance>("api/rebalance", cancellationToken);

    public Task<Rebalance> StartRebalanceAsync(long? bytesPerSecond, CancellationToken cancellationToken) => AskAsync<Rebalance>(
        HttpMethod.Post, $"api/rebalance{(bytesPerSecond is { } limit ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"?bytesPerSecond={limit}") : "")}", cancellationToken);

    public Task<Rebalance> PauseRebalanceAsync(CancellationToken cancellationToken) => AskAsync<Rebalance>(HttpMethod.Post, "api/rebalance/pause", cancellationToken);

    public async Task CancelRebalanceAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "api/rebalance");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<List<Trashed>> TrashAsync(CancellationToken cancellationToken) => GetAsync<List<Trashed>>("api/trash", cancellationToken);

    /// <summary>Takes as long as re-reading the trashed copies does.</summary>
    public async Task<Stored> UndeleteAsync(string name, long? version, CancellationToken cancellationToken)
    {
        var path = $"{Path(name)}/undelete{(version is { } number ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"?version={number}") : "")}";
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, path), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<Stored>(response, cancellationToken);
    }

    public Task<List<Quarantined>> QuarantineAsync(CancellationToken cancellationToken) => GetAsync<List<Quarantined>>("api/quarantine", cancellationToken);

    /// <summary>Takes as long as re-reading it does.</summary>
    public async Task<Stored> AdoptAsync(string node, string id, string? name, CancellationToken cancellationToken)
    {
        var path = $"{QuarantinedPath(node, id)}/adopt{(name is null ? "" : $"?name={Uri.EscapeDataString(name)}")}";
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, path), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<Stored>(response, cancellationToken);
    }

    public async Task PurgeAsync(string node, string id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, QuarantinedPath(node, id));
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => AskAsync<T>(HttpMethod.Get, path, cancellationToken);

    /// <summary>Sends it as it is, a change once; whatever is no success is thrown as a <see cref="Refusal"/>.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await (request.Content is null ? _asking : _sending).SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException e) when (e.InnerException is CliException ours)
        {
            // Reading the local file failed, not the connection.
            throw ours;
        }
        catch (OperationCanceledException e) when (e.InnerException is TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            // Nobody has taken the connection in time, which the runtime tells as if somebody had cancelled.
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"{Url} does not take connections.", e);
        }

        if (response.IsSuccessStatusCode) return response;
        using (response)
            throw await Refusal.ReadAsync(response, cancellationToken);
    }

    /// <summary>Whether a change that ended so may have been carried out all the same: it was sent, and nobody has said that nothing was done.</summary>
    public static bool MayHaveDone(Exception e) => e switch
    {
        Refusal refusal => refusal.IsUnknown,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError } => false,
        _ => e is HttpRequestException or TimeoutException,
    };

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw NotOurs(response, null);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw NotOurs(response, e);
        }
    }

    private async Task<T> AskAsync<T>(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_patience);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, patience.Token);
            return await ReadAsync<T>(response, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{Url} has not answered for {_patience.TotalSeconds:0} s.");
        }
    }

    private static string QuarantinedPath(string node, string id) => $"api/quarantine/{Uri.EscapeDataString(node)}/{Uri.EscapeDataString(id)}";

    private static string MaintenancePath(string id) => $"api/nodes/{Uri.EscapeDataString(id)}/maintenance";

    private static string Limit(long? bytesPerSecond) => bytesPerSecond is { } limit ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"&bytesPerSecond={limit}") : "";

    private static string DrainPath(string id) => $"api/nodes/{Uri.EscapeDataString(id)}/drain";

    private static CliException NotOurs(HttpResponseMessage response, Exception? e) =>
        new($"What {response.RequestMessage?.RequestUri?.GetLeftPart(UriPartial.Authority)} answers is not MDFS Pro's: is the address right?", ExitCodes.Failed, e);

    private static HttpClient Client(Uri url, string? key, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect)
    {
        var http = new HttpClient(new SentOnce(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // An upload asks first; the master answers at once, but a busy machine may be late.
            Expect100ContinueTimeout = TimeSpan.FromSeconds(10),
            MaxConnectionsPerServer = 64,
            ConnectCallback = connect,
        }))
        {
            BaseAddress = url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    public void Dispose()
    {
        _asking.Dispose();
        _sending.Dispose();
    }
}
