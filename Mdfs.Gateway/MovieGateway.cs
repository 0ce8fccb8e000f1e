using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Output;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Gateway;

/// <summary>What became of a movie's answer.</summary>
public enum MovieOutcome
{
    /// <summary>It was given, or it began and was cut off: nothing can be said instead.</summary>
    Answered,

    /// <summary>Nobody is known to have the bytes. Nothing was sent, and something else may be said.</summary>
    NobodyHasIt,

    /// <summary>Whoever has the bytes failed to give them. Nothing was sent, and something else may be said.</summary>
    NobodyGaveIt,
}

/// <summary>
/// Sends a movie (design, section 5): what is answered has been decided from the catalog alone, workers give windows of bytes, and a replica that fails is followed by the next
/// at the exact byte. The same in the master and in every front end. HEAD never touches a worker.
/// </summary>
public sealed class MovieGateway(ReplicaReader reader, StreamCounter streams)
{
    /// <param name="answer">Decided over <see cref="IMovie.Replica"/>.</param>
    /// <param name="attachment">To be saved, not shown.</param>
    public async Task<MovieOutcome> SendAsync(HttpContext context, ContentAnswer answer, IMovie movie, bool attachment)
    {
        // Counted from here on, so that the version is not swept away between the decision and the first window.
        using var stream = streams.Enter(movie.Replica.Version);
        var (request, response) = (context.Request, context.Response);
        answer.Describe(response, attachment);
        if (answer.Refusal is { } refusal)
        {
            await refusal.ExecuteAsync(context);
            return MovieOutcome.Answered;
        }

        if (answer.IsContent && WantReprDigest.Sha256(request.Headers["Want-Repr-Digest"]) && movie.FindDigest() is { } digest)
            response.Headers["Repr-Digest"] = ReprDigest.Format(digest);
        if (answer.Pieces.Count == 0) return MovieOutcome.Answered;

        var outcome = await SendPiecesAsync(context, answer, movie);
        // What was said of the movie must not stand on what is said instead.
        if (outcome != MovieOutcome.Answered) ContentAnswer.Withdraw(response);
        return outcome;
    }

    private async Task<MovieOutcome> SendPiecesAsync(HttpContext context, ContentAnswer answer, IMovie movie)
    {
        var gone = context.RequestAborted;
        if ((await movie.SourcesAsync(fresh: false, gone)).Count == 0) return MovieOutcome.NobodyHasIt;
        // A paused player takes nothing for hours, and is welcome to: no lower bound on its pace (design, section 5).
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;

        foreach (var piece in answer.Pieces)
        {
            // Nothing is written before a worker has answered well, so that a first window that fails can still become a status.
            using var output = BodyOutput.Of(context, piece.Head, piece.Range.Length);
            var begun = context.Response.HasStarted;
            var result = await reader.CopyAsync(movie.Replica.Version, piece.Range.From, piece.Range.Length, movie.SourcesAsync, output, gone, begun, movie.Replica.Name);
            foreach (var _ in result.Failures.Where(failure => failure.Damaged)) movie.NoteDamage();
            if (result.Outcome == CopyOutcome.Completed) continue;
            if (result.Outcome == CopyOutcome.SourcesFailed && result.Sent == 0 && !context.Response.HasStarted) return MovieOutcome.NobodyGaveIt;
            // Never end cleanly short: the client must see that bytes are missing.
            context.Abort();
            return MovieOutcome.Answered;
        }

        if (answer.Closing.Length > 0) await context.Response.BodyWriter.WriteAsync(answer.Closing, gone);
        return MovieOutcome.Answered;
    }
}
