using System.Globalization;
using System.IO.Hashing;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Mdfs.Cli.Server;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Cli.Transfer;

/// <summary>Stores a file by tus 1.0, which goes on where it stopped: after a line that broke, or in the next run of the program.</summary>
internal sealed class ResumableUpload(MasterClient master, UnfinishedUploads unfinished, TimeProvider? time = null)
{
    /// <summary>Smaller files are sent again faster than anybody could ask how much of them is there.</summary>
    public const long Smallest = 4 << 20;

    private const string Route = "api/uploads";

    /// <summary>Bytes that got through, over all attempts.</summary>
    public long Moved { get; private set; }

    /// <summary>What the bytes add up to, once all are stored; null when this cluster knows no resumable uploads.</summary>
    /// <param name="onlyIfFree">Not where there is a movie of that name by then.</param>
    /// <exception cref="Refusal"><see cref="Refusal.IsConditionFailed"/>: there is one.</exception>
    public async Task<Checksum?> TryRunAsync(FileSource source, bool onlyIfFree, IMeter meter, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(source, onlyIfFree, meter, cancellationToken);
        }
        catch (Refusal refusal) when (refusal.IsConditionFailed)
        {
            // The upload is over.
            unfinished.Forget(source);
            throw;
        }
    }

    private async Task<Checksum?> RunAsync(FileSource source, bool onlyIfFree, IMeter meter, CancellationToken cancellationToken)
    {
        var (location, offset) = await FindAsync(source, onlyIfFree, cancellationToken);
        if (location is null)
        {
            location = await CreateAsync(source, onlyIfFree, cancellationToken);
            if (location is null) return null;
            unfinished.Keep(source, location, onlyIfFree);
        }

        var hash = new Crc32();
        await using var opened = await source.OpenAsync(0, cancellationToken);
        if (opened.Length != source.Size) throw Changed(source);
        if (offset > 0) await ReadAsync(opened.Stream, offset, hash, meter, cancellationToken);
        if (offset < source.Size) await SendAsync(source, opened.Stream, location, offset, hash, meter, cancellationToken);
        unfinished.Forget(source);
        return new Checksum(hash.GetCurrentHashAsUInt32());
    }

    private async Task<(string? Location, long Offset)> FindAsync(FileSource source, bool onlyIfFree, CancellationToken cancellationToken)
    {
        if (unfinished.Find(source, onlyIfFree) is not var (location, goesOn)) return (null, 0);
        using var silence = new Silence(cancellationToken, time);
        try
        {
            if (goesOn)
            {
                using var response = await master.SendAsync(Request(HttpMethod.Head, location), HttpCompletionOption.ResponseContentRead, silence.Token);
                var (offset, length) = (Number(response, "Upload-Offset"), Number(response, "Upload-Length"));
                if (length == source.Size && offset <= length) return (location, offset);
            }
            else
            {
                await EndAsync(location, silence.Token);
            }
        }
        catch (Refusal refusal) when (refusal.Status is HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.PreconditionFailed)
        {
            // It has expired, or was whole and its condition does not hold any more; from the beginning then.
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }

        unfinished.Forget(source);
        return (null, 0);
    }

    // Nobody would go on with it, and its room is kept for it until it expires.
    private async Task EndAsync(string location, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await master.SendAsync(Request(HttpMethod.Delete, location), HttpCompletionOption.ResponseContentRead, cancellationToken);
        }
        catch (Refusal refusal) when ((int)refusal.Status < 500 && refusal.Status is not (HttpStatusCode.Locked or HttpStatusCode.TooManyRequests))
        {
            // It is over, or expires by itself. What was refused for the moment is tried again, like any other question.
        }
    }

    private async Task<string?> CreateAsync(FileSource source, bool onlyIfFree, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, Route);
        request.Headers.Add("Upload-Length", source.Size!.Value.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(source.Name))}");
        if (onlyIfFree) request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        using var silence = new Silence(cancellationToken, time);
        try
        {
            using var response = await master.SendAsync(request, HttpCompletionOption.ResponseContentRead, silence.Token);
            // Whatever host it names, it is this cluster that we talk to.
            return response.Headers.Location is { } location ? new Uri(master.Url, location).PathAndQuery.TrimStart('/') : null;
        }
        catch (Refusal refusal) when (refusal.Status is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed)
        {
            return null;
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }
    }

    private async Task SendAsync(FileSource source, Stream stream, string location, long offset, Crc32 hash, IMeter meter, CancellationToken cancellationToken)
    {
        using var silence = new Silence(cancellationToken, time);
        meter.Begin(offset > 0 ? "going on" : "sending", offset, source.Size);
        using var body = new MeteredContent(stream, source.Origin, source.Size - offset, hash, count =>
        {
            silence.Broken();
            meter.Add(count);
            Moved += count;
        });
        body.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var request = Request(HttpMethod.Patch, location);
        request.Content = body;
        request.Headers.ExpectContinue = true;
        request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
        try
        {
            using var response = await master.SendAsync(request, HttpCompletionOption.ResponseContentRead, silence.Token);
            if (Number(response, "Upload-Offset") != source.Size) throw new HttpRequestException("not everything that was sent has arrived.");
            if (FileSource.Of(source.Name, new FileInfo(source.Path)) is var now && (now.Size != source.Size || now.ModifiedAt != source.ModifiedAt)) throw Changed(source);
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }
        catch (Refusal refusal) when (refusal.Status is HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.Conflict)
        {
            // The cluster's idea of the upload is another than ours: the next attempt asks again.
            throw new CliException(refusal.Message, ExitCodes.Unavailable, refusal);
        }
    }

    private static async Task ReadAsync(Stream stream, long length, Crc32 hash, IMeter meter, CancellationToken cancellationToken)
    {
        meter.Begin("reading what is there", 0, length);
        var buffer = new byte[1024 * 1024];
        for (var left = length; left > 0;)
        {
            var count = (int)Math.Min(left, buffer.Length);
            await stream.ReadExactlyAsync(buffer.AsMemory(0, count), cancellationToken);
            hash.Append(buffer.AsSpan(0, count));
            meter.Add(count);
            left -= count;
        }
    }

    private static HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        return request;
    }

    private static long Number(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out var values) && long.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static CliException Changed(FileSource source) => new($"{source.Path} changed while it was being read. Store it again.", ExitCodes.Failed);
}
