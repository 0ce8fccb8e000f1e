using System.Net;
using Mdfs.Cli.Transfer;

namespace Mdfs.Cli.Sources;

/// <summary>A text file with a URL per line, and after a tab the name to store it under. Empty lines and those that begin with <c>#</c> do not count.</summary>
internal static class UrlList
{
    /// <exception cref="CliException">A line is no URL.</exception>
    public static async Task<IReadOnlyList<UrlSource>> ReadAsync(string file, RemoteFiles remote, CancellationToken cancellationToken)
    {
        var (sources, number) = (new List<UrlSource>(), 0);
        using var reader = file == "-" ? Console.In : new StreamReader(file);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            number++;
            if (line.Trim() is not { Length: > 0 } content || content.StartsWith('#')) continue;
            var parts = content.Split('\t', 2, StringSplitOptions.TrimEntries);
            if (!Uri.TryCreate(parts[0], UriKind.Absolute, out var url)) throw new CliException($"Line {number} of {file} is no URL: {parts[0]}", ExitCodes.Usage);
            sources.Add(new UrlSource(parts.Length > 1 ? parts[1] : NameOf(url), url, remote));
        }

        return sources;
    }

    /// <summary>What a browser would call the file; of a download link like the original's, the parameter <c>name</c>.</summary>
    private static string NameOf(Uri url)
    {
        var named = url.Query.TrimStart('?').Split('&').Select(static pair => pair.Split('=', 2)).FirstOrDefault(static pair => pair is ["name", _]);
        return Uri.UnescapeDataString(named is not null ? named[1].Replace('+', ' ') : url.Segments[^1].TrimEnd('/'));
    }
}

/// <summary>A movie on another server, which moves from there to the cluster without touching this machine's disk.</summary>
internal sealed record UrlSource(string Name, Uri Url, RemoteFiles Remote) : MovieSource(Name, Url.ToString())
{
    public override Task<OpenSource> OpenAsync(long from, CancellationToken cancellationToken) => Remote.OpenAsync(Url, cancellationToken);
}

/// <summary>Asks other servers, those on the list and no others, wherever they redirect to.</summary>
internal sealed class RemoteFiles(AllowList allowed) : IDisposable
{
    private const int MostRedirects = 5;

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10) }) { Timeout = Timeout.InfiniteTimeSpan };

    public async Task<OpenSource> OpenAsync(Uri url, CancellationToken cancellationToken)
    {
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            allowed.Require(url);
            var response = await GetAsync(url, cancellationToken);
            if (response.StatusCode == HttpStatusCode.OK)
                return new OpenSource(await response.Content.ReadAsStreamAsync(cancellationToken), response.Content.Headers.ContentLength, response);
            using (response)
            {
                if ((int)response.StatusCode is < 300 or > 399 || response.Headers.Location is not { } location)
                    throw new CliException($"{url} answers {(int)response.StatusCode} {response.ReasonPhrase}.", response.StatusCode == HttpStatusCode.NotFound ? ExitCodes.NotFound : ExitCodes.Failed);
                url = new Uri(url, location);
            }
        }

        throw new CliException($"{url} redirects too often.", ExitCodes.Failed);
    }

    private async Task<HttpResponseMessage> GetAsync(Uri url, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new CliException($"{url.Authority} does not answer: {e.Message}", ExitCodes.Failed, e);
        }
    }

    public void Dispose() => _http.Dispose();
}
