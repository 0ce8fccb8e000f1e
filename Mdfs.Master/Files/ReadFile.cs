using System.Buffers;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Files;

/// <summary>
/// Sends a movie (design, section 5): the master decides HTTP from the catalog alone, workers give windows of bytes, and a replica that fails
/// is followed by the next at the exact byte. HEAD never touches a worker.
/// </summary>
public sealed class ReadFile(FileCatalog catalog, NodeRegistry registry, CatalogSession session, ReplicaReader reader, StreamCounter streams, TimeProvider time)
{
    public async Task<IResult> RunAsync(HttpContext context, FileName name, bool attachment)
    {
        var entry = catalog.Find(name);
        if (entry is null) return session.IsUncertain ? FileProblems.Rebuilding : FileProblems.NotFound(name);

        // Counted from here on, so that the version is not swept away between the decision and the first window.
        using var stream = streams.Enter(entry.Version);
        var now = time.GetUtcNow();
        // A clock that was set back must not make a movie seem to come from the future (RFC 9110, 8.8.2.1).
        var modified = entry.Replica.CommittedAt <= now ? entry.Replica.CommittedAt : now;
        // By date alone nobody can tell two versions of one second apart, so the date is a weak validator here.
        var facts = new ContentFacts(entry.Size, entry.Version.ETag, modified, LastModifiedIsStrong: false, now);
        var decision = ContentRules.Decide(RequestOf(context.Request), facts);

        var headers = context.Response.Headers;
        headers.ETag = entry.Version.ETag;
        headers.LastModified = HttpDate.Format(facts.LastModified);
        headers.AcceptRanges = "bytes";
        headers.CacheControl = "no-cache";
        switch (decision)
        {
            case ContentDecision.NotModified:
                return TypedResults.StatusCode(StatusCodes.Status304NotModified);
            case ContentDecision.PreconditionFailed:
                return FileProblems.PreconditionFailed(entry.Version);
            case ContentDecision.RangeNotSatisfiable:
                headers.ContentRange = ByteRange.Unsatisfied(entry.Size);
                return FileProblems.RangeNotSatisfiable(entry.Size);
        }

        var type = VideoTypes.ContentType(name.Value);
        headers.ContentType = type;
        headers.ContentDisposition = ContentDisposition.For(name.Value, attachment);
        context.Response.StatusCode = decision.StatusCode;
        switch (decision)
        {
            case ContentDecision.Partial partial:
                headers.ContentRange = partial.Range.ContentRange(entry.Size);
                context.Response.ContentLength = partial.Range.Length;
                return await SendAsync(context, entry, [new Piece(default, partial.Range)], default);
            case ContentDecision.MultiPartial several:
                var multipart = new MultipartByteRanges(several.Ranges, type, entry.Size, MultipartByteRanges.NewBoundary());
                headers.ContentType = multipart.ContentType;
                context.Response.ContentLength = multipart.ContentLength;
                return await SendAsync(context, entry, [.. multipart.Parts.Select(part => new Piece(part.Head, part.Range))], multipart.Closing);
            default:
                context.Response.ContentLength = entry.Size;
                if (HttpMethods.IsHead(context.Request.Method) || entry.Size == 0) return TypedResults.Empty;
                return await SendAsync(context, entry, [new Piece(default, new ByteRange(0, entry.Size - 1))], default);
        }
    }

    private static ContentRequest RequestOf(HttpRequest request) => new()
    {
        Method = request.Method,
        IfMatch = Joined(request, HeaderNames.IfMatch),
        IfNoneMatch = Joined(request, HeaderNames.IfNoneMatch),
        IfModifiedSince = Joined(request, HeaderNames.IfModifiedSince),
        IfUnmodifiedSince = Joined(request, HeaderNames.IfUnmodifiedSince),
        IfRange = Joined(request, HeaderNames.IfRange),
        Range = Joined(request, HeaderNames.Range),
    };

    private static string? Joined(HttpRequest request, string header) =>
        request.Headers.TryGetValue(header, out var values) ? string.Join(", ", (IEnumerable<string?>)values) : null;

    private async Task<IResult> SendAsync(HttpContext context, CatalogEntry entry, IReadOnlyList<Piece> pieces, ReadOnlyMemory<byte> closing)
    {
        var candidates = CandidatesFor(entry);
        if (candidates.Count == 0) return Withdraw(context, FileProblems.NoLiveReplica(entry.Name));
        // A paused player takes nothing for hours, and is welcome to: no lower bound on its pace (design, section 5).
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;

        var writer = context.Response.BodyWriter;
        var gone = context.RequestAborted;
        foreach (var piece in pieces)
        {
            // Multipart framing is written in front of the part's first window, so that a failed first window can still become a status.
            var begun = context.Response.HasStarted;
            if (piece.Head.Length > 0) writer.Write(piece.Head.Span);
            var result = await reader.CopyAsync(entry.Version, piece.Range.From, piece.Range.Length, candidates, writer, gone);
            foreach (var _ in result.Failures.Where(failure => failure.Damaged)) registry.NoteDamage(entry.Version);
            if (result.Outcome == CopyOutcome.Completed) continue;
            if (result.Outcome == CopyOutcome.SourcesFailed && result.Sent == 0 && !begun && !context.Response.HasStarted && piece.Head.Length == 0)
                return Withdraw(context, FileProblems.AllReplicasFailed(entry.Name));
            // Never end cleanly short: the client must see that bytes are missing.
            context.Abort();
            return TypedResults.Empty;
        }

        if (closing.Length > 0)
        {
            writer.Write(closing.Span);
            await writer.FlushAsync(gone);
        }

        return TypedResults.Empty;
    }

    /// <summary>Who may have the bytes: whole copies on live nodes first, then damaged ones for their good blocks, then whoever is remembered to have had one.</summary>
    private List<ReplicaCandidate> CandidatesFor(CatalogEntry entry)
    {
        var view = registry.View;
        var candidates = new List<ReplicaCandidate>(4);
        Add(holder => !holder.Damaged, alive: true);
        Add(holder => holder.Damaged, alive: true);
        if (candidates.Count == 0)
        {
            // Right after a start nobody has reported yet; and a silent node may still answer.
            Add(_ => true, alive: false);
            foreach (var id in entry.Hint)
            {
                if (view.Find(id) is { Address.Length: > 0 } node && !Knows(id)) candidates.Add(WorkerAddress.Of(node));
            }
        }

        return candidates;

        bool Knows(NodeId id) => candidates.Exists(candidate => candidate.Worker.Id == id);

        void Add(Func<Holder, bool> which, bool alive)
        {
            foreach (var holder in registry.Replicas.HoldersOf(entry.Version))
            {
                if (!which(holder) || !holder.Agrees(entry.Replica) || view.Find(holder.Node) is not { } node || (alive && !node.Alive)) continue;
                if (!Knows(node.Id)) candidates.Add(new ReplicaCandidate(WorkerAddress.Of(node), holder.Damaged));
            }
        }
    }

    /// <summary>The headers of a movie must not stand on a refusal.</summary>
    private static Problem Withdraw(HttpContext context, Problem problem)
    {
        var headers = context.Response.Headers;
        foreach (var name in (string[])[HeaderNames.ContentLength, HeaderNames.ContentRange, HeaderNames.ContentDisposition, HeaderNames.ETag, HeaderNames.LastModified, HeaderNames.AcceptRanges])
        {
            headers.Remove(name);
        }

        return problem;
    }

    private readonly record struct Piece(ReadOnlyMemory<byte> Head, ByteRange Range);
}
