using System.Globalization;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Mdfs.ServiceDefaults.Content;

/// <summary>
/// The answer to a request for a movie's bytes, decided and described but not yet sent (RFC 9110, sections 13 to 15): the same in the master and in every
/// worker, so that a client cannot tell who serves it.
/// </summary>
public sealed class ContentAnswer
{
    private readonly ReplicaDescription _replica;
    private readonly ContentFacts _facts;
    private readonly string _type;
    private readonly MultipartByteRanges? _multipart;

    private ContentAnswer(in ContentRequest request, ReplicaDescription replica, DateTimeOffset now)
    {
        _replica = replica;
        _facts = ContentFacts.Of(replica, now);
        _type = VideoTypes.ContentType(replica.Name.Value);
        Decision = ContentRules.Decide(request, _facts);
        if (HttpMethods.IsHead(request.Method)) return;
        switch (Decision)
        {
            case ContentDecision.Full when replica.Size > 0:
                Pieces = [new ContentPiece(default, new ByteRange(0, replica.Size - 1))];
                break;
            case ContentDecision.Partial partial:
                Pieces = [new ContentPiece(default, partial.Range)];
                break;
            case ContentDecision.MultiPartial several:
                _multipart = new MultipartByteRanges(several.Ranges, _type, replica.Size, MultipartByteRanges.NewBoundary());
                Pieces = [.. _multipart.Parts.Select(static part => new ContentPiece(part.Head, part.Range))];
                break;
        }
    }

    public ContentDecision Decision { get; }

    /// <summary>What to send, in this order; empty for HEAD, for an empty movie and for everything but 200 and 206.</summary>
    public IReadOnlyList<ContentPiece> Pieces { get; } = [];

    /// <summary>What follows the last piece.</summary>
    public ReadOnlyMemory<byte> Closing => _multipart?.Closing ?? default;

    /// <summary>Whether the movie, or a part of it, is what is answered: 200 or 206.</summary>
    public bool IsContent => Decision.StatusCode is StatusCodes.Status200OK or StatusCodes.Status206PartialContent;

    /// <param name="now">The master's clock.</param>
    public static ContentAnswer To(HttpRequest request, ReplicaDescription replica, DateTimeOffset now) => new(Read(request), replica, now);

    /// <param name="now">The master's clock.</param>
    public static ContentAnswer To(in ContentRequest request, ReplicaDescription replica, DateTimeOffset now) => new(request, replica, now);

    /// <summary>Sets status and headers.</summary>
    public void Describe(HttpResponse response, bool attachment)
    {
        response.StatusCode = Decision.StatusCode;
        foreach (var (name, value) in Headers(attachment)) response.Headers[name] = value;
    }

    /// <summary>What is said of the movie. 206 carries all that 200 would, to If-Range as well: players read the type of every answer (15.3.7).</summary>
    public IEnumerable<(string Name, string Value)> Headers(bool attachment) => [.. Passing(), .. Lasting(attachment)];

    /// <summary>Those of them that are the same for every range of a version, at any time: <see cref="LastingOf"/> tells of what they are.</summary>
    internal IReadOnlyList<(string Name, string Value)> Lasting(bool attachment)
    {
        var headers = new List<(string Name, string Value)>(6)
        {
            (HeaderNames.ETag, _facts.ETag),
            (HeaderNames.AcceptRanges, "bytes"),
            // Stored by whoever likes, but asked for again before it is used: a name may get another version at any time.
            (HeaderNames.CacheControl, "no-cache"),
        };
        // 15.4.5: a 304 has no other metadata than what names the version.
        if (Decision is ContentDecision.NotModified) return headers;
        if (_facts.LastModified is { } modified) headers.Add((HeaderNames.LastModified, HttpDate.Format(modified)));
        if (!IsContent) return headers;
        headers.Add((HeaderNames.ContentType, _multipart?.ContentType ?? _type));
        headers.Add((HeaderNames.ContentDisposition, ContentDisposition.For(_replica.Name.Value, attachment)));
        return headers;
    }

    /// <summary>The others.</summary>
    internal IReadOnlyList<(string Name, string Value)> Passing()
    {
        // Kestrel's own is up to a second old: a Last-Modified of just now would lie after it (8.8.2.1).
        var date = (HeaderNames.Date, HttpDate.Format(_facts.Now));
        if (Decision is ContentDecision.RangeNotSatisfiable) return [date, (HeaderNames.ContentRange, ByteRange.Unsatisfied(_replica.Size))];
        if (!IsContent) return [date];
        var length = _multipart?.ContentLength ?? (Decision as ContentDecision.Partial)?.Range.Length ?? _replica.Size;
        var ofLength = (HeaderNames.ContentLength, length.ToString(CultureInfo.InvariantCulture));
        return Decision is ContentDecision.Partial partial ? [date, (HeaderNames.ContentRange, partial.Range.ContentRange(_replica.Size)), ofLength] : [date, ofLength];
    }

    /// <summary>Two answers with whole movies or single ranges, of which this is the same, have the same <see cref="Lasting"/> headers.</summary>
    internal (ReplicaDescription Replica, bool IsDated) LastingOf => (_replica, _facts.LastModified is not null);

    /// <summary>What is said instead of the movie; null where headers say it all.</summary>
    public Problem? Refusal => Decision switch
    {
        ContentDecision.PreconditionFailed => ContentProblems.PreconditionFailed(_replica.Version),
        ContentDecision.RangeNotSatisfiable => ContentProblems.RangeNotSatisfiable(_replica.Size),
        _ => null,
    };

    /// <summary>Takes back what <see cref="Describe"/> said, for a refusal that comes instead: the headers of a movie must not stand on it.</summary>
    public static void Withdraw(HttpResponse response)
    {
        foreach (var name in (string[])[HeaderNames.ContentLength, HeaderNames.ContentRange, HeaderNames.ContentDisposition, HeaderNames.ETag, HeaderNames.LastModified, HeaderNames.AcceptRanges, "Repr-Digest"])
            response.Headers.Remove(name);
    }

    /// <summary>What the request says of versions and ranges.</summary>
    public static ContentRequest Read(HttpRequest request)
    {
        return new ContentRequest
        {
            Method = request.Method,
            IfMatch = Header(HeaderNames.IfMatch),
            IfNoneMatch = Header(HeaderNames.IfNoneMatch),
            IfModifiedSince = Header(HeaderNames.IfModifiedSince),
            IfUnmodifiedSince = Header(HeaderNames.IfUnmodifiedSince),
            IfRange = Header(HeaderNames.IfRange),
            Range = Header(HeaderNames.Range),
        };

        string? Header(string name) => request.Headers.TryGetValue(name, out var values) ? string.Join(", ", (IEnumerable<string?>)values) : null;
    }
}

/// <summary>A run of bytes to send.</summary>
/// <param name="Head">Sent before them: the head of a part in multipart/byteranges, or nothing.</param>
/// <param name="Range">Which bytes of the movie.</param>
public readonly record struct ContentPiece(ReadOnlyMemory<byte> Head, ByteRange Range);
