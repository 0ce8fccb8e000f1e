using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>The worker's own <c>/download</c>: the same decision as the master's (RFC 9110), over the replica that is here.</summary>
internal static class DownloadEndpoint
{
    public static async Task<IResult> SendAsync(string? name, HttpContext context, Inventory inventory, ReplicaStore store, WindowSender sender, TimeProvider time)
    {
        if (ClassicEndpoints.Find(inventory, name) is not { } held) return ClassicEndpoints.NotHere;
        var replica = held.Report.Replica;
        using var reader = store.OpenReader(replica.Version);
        if (reader is null) return ClassicEndpoints.NotHere;

        // Whether the name changed twice within a second is the catalog's knowledge, not a worker's.
        var facts = new ContentFacts(replica.Size, replica.Version.ETag, replica.CommittedAt, LastModifiedIsStrong: false, time.GetUtcNow());
        var decision = ContentRules.Decide(Read(context.Request), facts);
        var sent = await AnswerAsync(context, decision, replica, facts, reader, sender);
        return sent ? TypedResults.Empty : new ClassicText(StatusCodes.Status502BadGateway, "This copy is damaged there; the master has others.");
    }

    private static async Task<bool> AnswerAsync(
        HttpContext context, ContentDecision decision, ReplicaDescription replica, ContentFacts facts, ReplicaReader reader, WindowSender sender)
    {
        var isHead = HttpMethods.IsHead(context.Request.Method);
        switch (decision)
        {
            case ContentDecision.Full when !isHead:
                return await sender.TrySendAsync(context, reader, 0, replica.Size, response => Describe(response, decision, replica, facts, replica.Size));
            case ContentDecision.Partial(var range) when !isHead:
                return await sender.TrySendAsync(context, reader, range.From, range.Length, response =>
                {
                    Describe(response, decision, replica, facts, range.Length);
                    response.Headers.ContentRange = range.ContentRange(replica.Size);
                });
            case ContentDecision.MultiPartial(var ranges) when !isHead:
                return await SendPartsAsync(context, new MultipartByteRanges(ranges, TypeOf(replica), replica.Size, MultipartByteRanges.NewBoundary()), replica, facts, reader, sender);
            case ContentDecision.Full:
                Describe(context.Response, decision, replica, facts, replica.Size);
                return true;
            case ContentDecision.RangeNotSatisfiable:
                Describe(context.Response, decision, replica, facts, 0);
                context.Response.Headers.ContentRange = ByteRange.Unsatisfied(replica.Size);
                return true;
            default:
                Describe(context.Response, decision, replica, facts, decision is ContentDecision.NotModified ? null : 0);
                return true;
        }
    }

    private static async Task<bool> SendPartsAsync(
        HttpContext context, MultipartByteRanges body, ReplicaDescription replica, ContentFacts facts, ReplicaReader reader, WindowSender sender)
    {
        var (head, range) = body.Parts[0];
        var begun = await sender.TrySendAsync(
            context, reader, range.From, range.Length,
            response =>
            {
                Describe(response, new ContentDecision.MultiPartial([]), replica, facts, body.ContentLength);
                response.ContentType = body.ContentType;
            },
            head);
        if (!begun) return false;
        foreach (var part in body.Parts.Skip(1))
        {
            if (!await sender.AppendAsync(context, reader, part.Range.From, part.Range.Length, part.Head)) return true;
        }

        await context.Response.BodyWriter.WriteAsync(body.Closing, context.RequestAborted);
        return true;
    }

    private static void Describe(HttpResponse response, ContentDecision decision, ReplicaDescription replica, ContentFacts facts, long? length)
    {
        response.StatusCode = decision.StatusCode;
        response.Headers.ETag = facts.ETag;
        response.Headers.LastModified = HttpDate.Format(facts.LastModified);
        response.Headers.AcceptRanges = "bytes";
        response.ContentLength = length;
        if (decision.StatusCode is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent)) return;
        response.ContentType = TypeOf(replica);
        response.Headers.ContentDisposition = ContentDisposition.For(replica.Name.Value, attachment: true);
    }

    private static string TypeOf(ReplicaDescription replica) => VideoTypes.ContentType(replica.Name.Value);

    private static ContentRequest Read(HttpRequest request)
    {
        return new ContentRequest
        {
            Method = request.Method,
            IfMatch = Header("If-Match"),
            IfNoneMatch = Header("If-None-Match"),
            IfModifiedSince = Header("If-Modified-Since"),
            IfUnmodifiedSince = Header("If-Unmodified-Since"),
            IfRange = Header("If-Range"),
            Range = Header("Range"),
        };

        string? Header(string name) => request.Headers.TryGetValue(name, out var values) ? string.Join(", ", values.ToArray()) : null;
    }
}
