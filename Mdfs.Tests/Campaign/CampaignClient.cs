using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Mdfs.Protocol.Http;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>One of those who use the cluster while it is attacked: it stores, overwrites, deletes, brings back and reads as chance has it, and writes down what it hears.</summary>
public sealed class CampaignClient : IDisposable
{
    // Longer than the master waits for anybody: what is given up here has no answer.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _uploadPatience = TimeSpan.FromSeconds(25);

    /// <summary>Answers after which the change may have happened, or may still; after every other refusal it has not (docs/http-api.md).</summary>
    private static readonly string[] _open = ["outcome-unknown", "too-few-copies", "not-sealed", "deletion-not-confirmed", ""];

    private readonly History _history;
    private readonly DiskInspector? _disks;
    private readonly IReadOnlyList<string> _names;
    private readonly MdfsClient _client;

    private static readonly HttpRequestOptionsKey<bool> _connected = new("connected");

    // A connection of its own for every change, and it is noted that there was one. When it is closed without an answer .NET tries again on another one: if that cannot be made, the error looks as if nobody had
    // heard of the request, and somebody may have.
    private readonly HttpClient _once;
    private readonly Random _random;
    private string? _deleted;

    /// <param name="disks">Where what an answer says of copies is looked after.</param>
    public CampaignClient(History history, IReadOnlyList<string> names, Uri master, string key, int seed, DiskInspector? disks = null)
    {
        (_history, _names, _random, _disks) = (history, names, new Random(seed), disks);
        _client = new MdfsClient(master, key);
        _once = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero, ConnectCallback = ConnectAsync }) { BaseAddress = master, Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose()
    {
        _client.Dispose();
        _once.Dispose();
    }

    /// <summary>Goes on until it is told to stop; what it has begun it ends.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var name = _names[_random.Next(_names.Count)];
            switch (_random.Next(100))
            {
                case < 26:
                    await UploadAsync(name);
                    break;
                case < 34:
                    await UploadInPiecesAsync(name);
                    break;
                case < 45:
                    await DeleteAsync(name);
                    break;
                case < 54:
                    // What was deleted last is what people want back; any name may have something in the trash.
                    await UndeleteAsync(_random.Next(4) > 0 ? _deleted ?? name : name);
                    break;
                case < 82:
                    await ReadAsync(name, whole: true);
                    break;
                default:
                    await ReadAsync(name, whole: false);
                    break;
            }

            await Task.Delay(_random.Next(10, 60), CancellationToken.None);
        }
    }

    public async Task UploadAsync(string name)
    {
        var movie = _history.NewContent(name, NewSize());
        var change = _history.Begin(name, Act.Upload, movie.Length);
        using var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath(name)) { Content = new StreamContent(movie.Open(), 64 * 1024) };
        if (_random.Next(4) > 0) request.Content.Headers.ContentLength = movie.Length;
        else request.Headers.TransferEncodingChunked = true;
        await ChangeAsync(change, request);
    }

    public async Task DeleteAsync(string name)
    {
        var change = _history.Begin(name, Act.Delete);
        using var request = new HttpRequestMessage(HttpMethod.Delete, MdfsClient.FilePath(name));
        if (await ChangeAsync(change, request) is not "no-such-movie") _deleted = name;
        else _history.Saw(name, change.Start, null, null, "a deletion was told so");
    }

    public async Task UndeleteAsync(string name)
    {
        var change = _history.Begin(name, Act.Undelete);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{MdfsClient.FilePath(name)}/undelete");
        await ChangeAsync(change, request);
    }

    /// <summary>By tus, with every break gone on from, until it is stored or the patience is at its end.</summary>
    public async Task UploadInPiecesAsync(string name)
    {
        var movie = _history.NewContent(name, NewSize());
        var change = _history.Begin(name, Act.ResumableUpload, movie.Length);
        using var patience = new CancellationTokenSource(_uploadPatience);
        string? place = null;
        var (offset, says) = (0L, "it was not even begun");
        try
        {
            while (offset < movie.Length || place is null)
            {
                if (place is null)
                {
                    using var created = await SendAsync(Tus(HttpMethod.Post, "api/uploads", ("Upload-Length", Text(movie.Length)), ("Upload-Metadata", TusClient.Metadata(name))), patience.Token);
                    if (created?.StatusCode == HttpStatusCode.Created) place = created.Headers.Location!.ToString();
                    else says = await PauseAsync(created, patience.Token);
                    continue;
                }

                var length = Math.Min(movie.Length - offset, _random.Next(1, (int)Math.Min(int.MaxValue, 1 + movie.Length)));
                using var content = new StreamContent(movie.Open(offset, length), 64 * 1024);
                content.Headers.ContentLength = length;
                content.Headers.ContentType = new MediaTypeHeaderValue(TusClient.Octets);
                var patch = Tus(HttpMethod.Patch, place, ("Upload-Offset", Text(offset)));
                patch.Content = content;
                using (var appended = await SendAsync(patch, patience.Token))
                {
                    if (appended?.StatusCode == HttpStatusCode.NoContent && TusClient.Number(appended, "Upload-Offset") is { } reached)
                    {
                        offset = reached;
                        continue;
                    }

                    if (appended is { StatusCode: HttpStatusCode.Gone or HttpStatusCode.NotFound }) (place, offset) = (null, 0);
                    says = await PauseAsync(appended, patience.Token);
                    if (place is null) continue;
                }

                using var head = await SendAsync(Tus(HttpMethod.Head, place), patience.Token);
                if (head is { StatusCode: HttpStatusCode.OK } && TusClient.Number(head, "Upload-Offset") is { } told) offset = told;
                else if (head is { StatusCode: HttpStatusCode.Gone or HttpStatusCode.NotFound }) (place, offset) = (null, 0);
                else says = await PauseAsync(head, patience.Token);
            }
        }
        catch (OperationCanceledException)
        {
            _history.End(change, Ending.Unknown, $"given up at {offset}: {says}");
            using var last = new CancellationTokenSource(_patience);
            if (place is not null) (await GiveUpAsync(place, last.Token))?.Dispose();
            return;
        }

        _history.End(change, Ending.Done, $"stored by {place}");
    }

    /// <summary>The movie, or a part of it, with every byte compared.</summary>
    /// <returns>Whether the answer was definite: all bytes, or that there is no such movie.</returns>
    public async Task<bool> ReadAsync(string name, bool whole)
    {
        var start = _history.Now;
        using var request = new HttpRequestMessage(HttpMethod.Get, _random.Next(2) == 0 ? $"{MdfsClient.FilePath(name)}/content" : MdfsClient.DownloadPath(name));
        if (!whole)
        {
            var from = (long)Math.Pow(2, _random.NextDouble() * 21) - 1;
            request.Headers.Range = _random.Next(3) == 0 ? new RangeHeaderValue(null, from + 1) : new RangeHeaderValue(from, _random.Next(2) == 0 ? null : from + _random.Next(300_000));
        }

        using var patience = new CancellationTokenSource(_patience);
        try
        {
            using var response = await _client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                _history.Saw(name, start, null, null, "404");
                return true;
            }

            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent)) return response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable;
            return await CompareAsync(name, start, response, patience.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return false;
        }
    }

    private async Task<bool> CompareAsync(string name, TimeSpan start, HttpResponseMessage response, CancellationToken patience)
    {
        var range = response.Content.Headers.ContentRange;
        var size = range?.Length ?? response.Content.Headers.ContentLength ?? -1;
        var from = range?.From ?? 0;
        var expected = range is null ? size : range.To!.Value - from + 1;
        var version = response.Headers.ETag is { } tag && long.TryParse(tag.Tag.Trim('"'), CultureInfo.InvariantCulture, out var number) ? number : (long?)null;
        var text = $"{(int)response.StatusCode} {range}";
        if (_history.Content(name, size) is not { } movie || version is null)
        {
            _history.IsWrong($"{name} is said to have {size} bytes and the version {version}, and nobody sent such a movie");
            return true;
        }

        await using var body = await response.Content.ReadAsStreamAsync(patience);
        await using var truth = movie.Open(from, size - from);
        var (came, wanted) = (new byte[64 * 1024], new byte[64 * 1024]);
        var done = 0L;
        try
        {
            while (await body.ReadAsync(came, patience) is > 0 and var count)
            {
                var right = await truth.ReadAtLeastAsync(wanted.AsMemory(0, count), count, throwOnEndOfStream: false, patience);
                if (right != count || !came.AsSpan(0, count).SequenceEqual(wanted.AsSpan(0, count)))
                {
                    _history.IsWrong($"{name} version {version}, {size} bytes: a wrong byte was served between {from + done} and {from + done + count} ({text})");
                    return true;
                }

                done += count;
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return false;
        }

        if (done != expected) _history.IsWrong($"{name} version {version}: {done} bytes were served as if they were {expected} ({text})");
        else _history.Saw(name, start, version, size, text);
        return true;
    }

    /// <summary>Sends it and notes what comes of it; the type of the problem, if there is one.</summary>
    private async Task<string> ChangeAsync(Change change, HttpRequestMessage request)
    {
        request.Headers.Authorization = _client.Admin;
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            using var response = await _once.SendAsync(request, patience.Token);
            var answer = await response.Content.ReadAsStringAsync(patience.Token);
            if (response.IsSuccessStatusCode)
            {
                using var json = JsonDocument.Parse(answer);
                var copies = json.RootElement.TryGetProperty("copies", out var counted) ? counted.GetInt32() : (int?)null;
                var done = _history.End(change, Ending.Done, $"{(int)response.StatusCode}", json.RootElement.GetProperty("version").GetInt64(), copies);
                if (_disks?.Uncounted(done) is { } wrong) _history.IsWrong(wrong);
                return "";
            }

            var type = ProblemOf(answer);
            _history.End(change, _open.Contains(type) ? Ending.Unknown : Ending.Refused, $"{(int)response.StatusCode} {type}");
            return type;
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError && !request.Options.TryGetValue(_connected, out _))
        {
            // Nobody has heard of it.
            _history.End(change, Ending.Refused, "no connection");
            return "";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            _history.End(change, Ending.Unknown, e.Message);
            return "";
        }
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var connection = await ProbedConnection.OpenAsync(context, cancellationToken);
        context.InitialRequestMessage.Options.Set(_connected, true);
        return connection;
    }

    private HttpRequestMessage Tus(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    /// <summary>Null: no answer.</summary>
    private async Task<HttpResponseMessage?> SendAsync(HttpRequestMessage request, CancellationToken patience)
    {
        using (request)
        {
            request.Headers.Authorization = _client.Admin;
            try
            {
                return await _client.Http.SendAsync(request, patience);
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !patience.IsCancellationRequested))
            {
                return null;
            }
        }
    }

    private async Task<HttpResponseMessage?> GiveUpAsync(string place, CancellationToken patience)
    {
        try
        {
            return await SendAsync(Tus(HttpMethod.Delete, place), patience);
        }
        catch (OperationCanceledException)
        {
            // It expires by itself.
            return null;
        }
    }

    private async Task<string> PauseAsync(HttpResponseMessage? answer, CancellationToken patience)
    {
        var says = answer is null ? "no answer" : $"{(int)answer.StatusCode} {ProblemOf(await answer.Content.ReadAsStringAsync(patience))}";
        await Task.Delay(_random.Next(50, 400), patience);
        return says;
    }

    // Mostly small, so that many fit into little time; some of many blocks.
    private long NewSize() => _random.Next(20) switch
    {
        < 11 => _random.Next(1, 64 << 10),
        < 17 => _random.Next(64 << 10, 512 << 10),
        _ => _random.Next(512 << 10, 2560 << 10),
    };

    private static string ProblemOf(string answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            return json.RootElement.GetProperty("type").GetString()!["urn:mdfs:problem:".Length..];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            return "";
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
