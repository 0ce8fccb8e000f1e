using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Mdfs.Tests.Support;

/// <summary>What <c>/api/files/{name}</c> says, as a client reads it.</summary>
public sealed record MovieFacts(string Name, long Size, string Checksum, long Version, string ETag, int Copies, int CopiesWanted, IReadOnlyList<MovieCopy> Nodes)
{
    /// <summary>The names of the nodes that hold a good copy, in order.</summary>
    public IEnumerable<string> Holders => Nodes.Where(copy => copy.State == "good").Select(copy => copy.Node).Order();
}

public sealed record MovieCopy(string Node, string Id, string Address, string State);

public sealed record MoviePage(IReadOnlyList<MovieFacts> Files, int Total, string? Next);

public sealed record MovieVerdict(string Node, string Checksum, bool Valid);

/// <summary>A client of one master, over nothing but HTTP, with the admin key in its pocket.</summary>
public sealed class MdfsClient : IDisposable
{
    private readonly string _adminKey;

    public MdfsClient(Uri master, string adminKey)
    {
        _adminKey = adminKey;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = master, Timeout = Longest };
    }

    /// <summary>For whatever has no method here; anonymous unless the request carries the key (<see cref="Admin"/>).</summary>
    public HttpClient Http { get; }

    public Uri Master => Http.BaseAddress!;

    public AuthenticationHeaderValue Admin => new("Bearer", _adminKey);

    public static string FilePath(string name) => $"api/files/{Uri.EscapeDataString(name)}";

    public static string DownloadPath(string name) => $"download?name={Uri.EscapeDataString(name)}";

    /// <summary>PUT of a raw body; the caller judges the answer.</summary>
    public async Task<HttpResponseMessage> PutAsync(string name, HttpContent content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, FilePath(name)) { Content = content };
        request.Headers.Authorization = Admin;
        return await Http.SendAsync(request, cancellationToken);
    }

    /// <summary>Stores a movie; fails with the answer when it is refused. Returns how many copies were acknowledged.</summary>
    public async Task<int> StoreAsync(string name, MovieBytes movie, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(movie.Open(), 64 * 1024);
        content.Headers.ContentLength = movie.Length;
        using var response = await PutAsync(name, content, cancellationToken);
        var answer = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"Storing {name}: {(int)response.StatusCode} {answer}");
        using var json = JsonDocument.Parse(answer);
        return json.RootElement.GetProperty("copies").GetInt32();
    }

    /// <summary>The classic form: <c>secret</c>, then <c>movie</c>.</summary>
    public async Task<HttpResponseMessage> PostFormAsync(string name, HttpContent movie, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent { { new StringContent(_adminKey), "secret" }, { movie, "movie", name } };
        return await Http.PostAsync("upload", form, cancellationToken);
    }

    /// <summary>The whole movie by <c>/download</c>: its hash (<see cref="MovieBytes.Hash"/>) and length; nothing of it is kept.</summary>
    public async Task<(string Hash, long Length)> DownloadAsync(string name, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(DownloadPath(name), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"Downloading {name}: {(int)response.StatusCode}");
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var hash = new System.IO.Hashing.XxHash128();
        await hash.AppendAsync(body, cancellationToken);
        return (Convert.ToHexStringLower(hash.GetCurrentHash()), response.Content.Headers.ContentLength ?? -1);
    }

    /// <summary>Fails unless the movie comes back exactly as it is.</summary>
    public async Task AssertHoldsAsync(string name, MovieBytes movie, CancellationToken cancellationToken) =>
        Assert.Equal((movie.Hash, movie.Length), await DownloadAsync(name, cancellationToken));

    public async Task<HttpResponseMessage> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, FilePath(name));
        request.Headers.Authorization = Admin;
        return await Http.SendAsync(request, cancellationToken);
    }

    /// <summary>Null: no such movie.</summary>
    public async Task<MovieFacts?> FactsAsync(string name, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(FilePath(name), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        Assert.True(response.IsSuccessStatusCode, $"Facts of {name}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
        return await response.Content.ReadFromJsonAsync<MovieFacts>(cancellationToken);
    }

    /// <summary>All movies, page by page.</summary>
    public async Task<IReadOnlyList<MovieFacts>> ListAsync(CancellationToken cancellationToken)
    {
        var all = new List<MovieFacts>();
        string? cursor = null;
        do
        {
            var page = (await Http.GetFromJsonAsync<MoviePage>($"api/files?limit=1000&cursor={cursor}", cancellationToken))!;
            all.AddRange(page.Files);
            cursor = page.Next;
        }
        while (cursor is not null);
        return all;
    }

    /// <summary>The classic <c>/verify</c>: every copy, re-read.</summary>
    public async Task<IReadOnlyList<MovieVerdict>> VerifyAsync(string name, CancellationToken cancellationToken) =>
        (await Http.GetFromJsonAsync<List<MovieVerdict>>($"verify?name={Uri.EscapeDataString(name)}", cancellationToken))!;

    /// <summary>What an admin route answers.</summary>
    public async Task<JsonElement> AdminAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = Admin;
        using var response = await Http.SendAsync(request, cancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    /// <summary>What an admin route answers, with the status that it has to have; default where it answers nothing.</summary>
    public async Task<JsonElement> AdminAsync(HttpMethod method, string path, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = Admin;
        using var response = await Http.SendAsync(request, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.StatusCode == expected, $"{method} {path}: {(int)response.StatusCode} {body}");
        return body.Length > 0 ? JsonDocument.Parse(body).RootElement.Clone() : default;
    }

    /// <summary>One value of <c>/metrics</c>, found as the classic monitoring script finds it: the line's first word is the name.</summary>
    /// <param name="path">Another one for a front end, where <c>/metrics</c> is the cluster's.</param>
    public async Task<double> MetricAsync(string name, CancellationToken cancellationToken, double? missing = null, string path = "metrics")
    {
        foreach (var line in (await Http.GetStringAsync(path, cancellationToken)).Split('\n'))
        {
            if (line.Split(' ') is [var first, var value, ..] && first == name)
                return double.Parse(value, CultureInfo.InvariantCulture);
        }
        if (missing is null)
            Assert.Fail($"There is no metric {name}.");
        return missing.Value;
    }

    /// <summary>Whether the master listens; in good health or not.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Http.GetAsync("alive", cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Waits until so many workers are live, and have told all they hold.</summary>
    public Task WaitForNodesAsync(int count, CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () => (await AdminAsync("api/nodes", cancellationToken)).EnumerateArray().Count(node => node.GetProperty("state").GetString() is "alive" or "draining") == count
            && await MetricAsync("mdfs_active_nodes", cancellationToken) == count,
        $"{count} live workers", Patience, cancellationToken);

    /// <summary>Waits until the master has heard all that workers hold, and deletes and refuses again as ever.</summary>
    public Task WaitForCatalogAsync(CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () =>
        {
            if (await MetricAsync("mdfs_rebuilding", cancellationToken) != 0) return false;
            // A new cluster that has no name yet completes nothing, and yet does not know.
            using var unknown = await Http.GetAsync(FilePath("nobody has stored this.mp4"), cancellationToken);
            return unknown.StatusCode == HttpStatusCode.NotFound;
        },
        "the catalog is complete", Patience, cancellationToken);

    /// <summary>Waits until no movie has fewer copies than it should, and there are so many movies.</summary>
    public Task WaitForWholeAsync(int files, CancellationToken cancellationToken) =>
        Eventually.TrueAsync(
            async () => await MetricAsync("mdfs_total_files", cancellationToken) == files && await MetricAsync("mdfs_under_replicated_files", cancellationToken) == 0,
            $"{files} movies with all their copies", Patience, cancellationToken);

    /// <summary>Generous: a busy machine must not fail a test, and one that succeeds does not wait.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>For one exchange, up to the end of what is read of it at once. Movies take what they take, but a test that waits for ever would not even be named.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromMinutes(5);

    public void Dispose() => Http.Dispose();
}
