using Mdfs.Master.Catalog;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Files;

/// <summary>
/// Under which condition a client wants a movie stored or deleted (RFC 9110, 13.1). Judged before anything of the body is read, so that who waits for the word to go on sends nothing in
/// vain; and again under the name's lock, so that of two who have seen the same version only one gets through. That of a resumable upload is told at its beginning, and kept with it.
/// </summary>
/// <param name="IfMatch">The header as it was sent; null: it was not.</param>
/// <param name="IfNoneMatch">Likewise.</param>
/// <param name="IfUnmodifiedSince">Likewise.</param>
public sealed record ChangeCondition(string? IfMatch, string? IfNoneMatch, string? IfUnmodifiedSince)
{
    /// <summary>Null: the request has none.</summary>
    public static ChangeCondition? Of(HttpRequest request)
    {
        if (!request.Headers.ContainsKey(HeaderNames.IfMatch) && !request.Headers.ContainsKey(HeaderNames.IfNoneMatch) && !request.Headers.ContainsKey(HeaderNames.IfUnmodifiedSince)) return null;
        var asked = ContentAnswer.Read(request);
        return new ChangeCondition(asked.IfMatch, asked.IfNoneMatch, asked.IfUnmodifiedSince);
    }

    /// <summary>Why it is not to be done, or null.</summary>
    public Problem? Refuse(CatalogEntry? present, CatalogSession session, DateTimeOffset now)
    {
        // A version that nobody has told of yet may be the one that is meant.
        if (session.IsUncertain) return FileProblems.Rebuilding;
        if (present is null) return IfMatch is null ? null : FileProblems.PreconditionFailed(null);
        // Whatever the method is: one that changes something is never answered 304.
        var request = new ContentRequest { Method = HttpMethods.Put, IfMatch = IfMatch, IfNoneMatch = IfNoneMatch, IfUnmodifiedSince = IfUnmodifiedSince };
        // The date that the version has, also where it has not come yet and is told to nobody: whoever names an earlier one has seen another.
        var facts = new ContentFacts(present.Size, present.Version.ETag, present.Replica.CommittedAt, now);
        return ContentRules.Decide(request, facts) is ContentDecision.PreconditionFailed ? FileProblems.PreconditionFailed(present.Version) : null;
    }
}
