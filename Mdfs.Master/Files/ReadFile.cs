using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Output;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Master.Files;

/// <summary>
/// Sends a movie (design, section 5): the master decides HTTP from the catalog alone, workers give windows of bytes, and a replica that fails
/// is followed by the next at the exact byte. HEAD never touches a worker.
/// </summary>
public sealed class ReadFile(
    FileCatalog catalog, NodeRegistry registry, CatalogSession session, MovieSources sources, MovieLinks links, MovieDigests digests, ReplicaReader reader,
    StreamCounter streams, TimeProvider time)
{
    public async Task<IResult> RunAsync(HttpContext context, FileName name, bool attachment)
    {
        var entry = catalog.Find(name);
        if (entry is null) return session.IsUncertain ? FileProblems.Rebuilding : FileProblems.NotFound(name);

        // Counted from here on, so that the version is not swept away between the decision and the first window.
        using var stream = streams.Enter(entry.Version);
        var (request, response) = (context.Request, context.Response);
        var answer = ContentAnswer.To(request, entry.Replica, time.GetUtcNow());
        if (answer.IsContent && links.WantsDirect(request) && links.Direct(entry, attachment) is { } direct)
        {
            // The link ends, and the next one may lead to another worker.
            response.Headers.CacheControl = "no-store";
            return TypedResults.Redirect(direct, permanent: false, preserveMethod: true);
        }

        answer.Describe(response, attachment);
        if (answer.Refusal is { } refusal) return refusal;
        if (answer.IsContent && WantReprDigest.Sha256(request.Headers["Want-Repr-Digest"]) && digests.Find(entry) is { } digest)
            response.Headers["Repr-Digest"] = ReprDigest.Format(digest);
        return answer.Pieces.Count == 0 ? TypedResults.Empty : await SendAsync(context, entry, answer);
    }

    private async Task<IResult> SendAsync(HttpContext context, CatalogEntry entry, ContentAnswer answer)
    {
        var first = sources.Of(entry);
        if (first.Count == 0) return Instead(context, FileProblems.NoLiveReplica(entry.Name));
        // A paused player takes nothing for hours, and is welcome to: no lower bound on its pace (design, section 5).
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;

        var gone = context.RequestAborted;
        foreach (var piece in answer.Pieces)
        {
            // Nothing is written before a worker has answered well, so that a first window that fails can still become a status.
            using var output = BodyOutput.Of(context, piece.Head, piece.Range.Length);
            var begun = context.Response.HasStarted;
            var result = await reader.CopyAsync(entry.Version, piece.Range.From, piece.Range.Length, () => SourcesOf(entry, first), output, gone, begun);
            foreach (var _ in result.Failures.Where(failure => failure.Damaged)) registry.NoteDamage(entry.Version);
            if (result.Outcome == CopyOutcome.Completed) continue;
            if (result.Outcome == CopyOutcome.SourcesFailed && result.Sent == 0 && !context.Response.HasStarted)
                return Instead(context, FileProblems.AllReplicasFailed(entry.Name));
            // Never end cleanly short: the client must see that bytes are missing.
            context.Abort();
            return TypedResults.Empty;
        }

        if (answer.Closing.Length > 0) await context.Response.BodyWriter.WriteAsync(answer.Closing, gone);
        return TypedResults.Empty;
    }

    /// <summary>
    /// Who may be asked now. Where the movie was deleted or overwritten since this reading began, whoever had it then keeps it in the trash for such readings.
    /// </summary>
    private IReadOnlyList<ReplicaCandidate> SourcesOf(CatalogEntry entry, IReadOnlyList<ReplicaCandidate> first)
    {
        var now = sources.Of(entry);
        if (catalog.Find(entry.Name)?.Version == entry.Version) return now;
        return [.. now, .. first.Where(before => now.All(candidate => candidate.Worker.Id != before.Worker.Id))];
    }

    private static Problem Instead(HttpContext context, Problem problem)
    {
        ContentAnswer.Withdraw(context.Response);
        return problem;
    }
}
