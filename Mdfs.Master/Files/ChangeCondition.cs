using Mdfs.Master.Catalog;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Files;

/// <summary>
/// Under which condition a client wants a movie stored or deleted (RFC 9110, 13.1). Judged before anything of the body is read, so that who waits for the word to go on sends nothing in
/// vain; and again under the name's lock, so that of two who have seen the same version only one gets through.
/// </summary>
public sealed class ChangeCondition
{
    private readonly ContentRequest _request;

    private ChangeCondition(ContentRequest request) => _request = request;

    /// <summary>Null: the request has none.</summary>
    public static ChangeCondition? Of(HttpRequest request) =>
        request.Headers.ContainsKey(HeaderNames.IfMatch) || request.Headers.ContainsKey(HeaderNames.IfNoneMatch) || request.Headers.ContainsKey(HeaderNames.IfUnmodifiedSince)
            // Whatever the method is: one that changes something is never answered 304.
            ? new ChangeCondition(ContentAnswer.Read(request) with { Method = HttpMethods.Put })
            : null;

    /// <summary>Why it is not to be done, or null.</summary>
    public Problem? Refuse(CatalogEntry? present, CatalogSession session, DateTimeOffset now)
    {
        // A version that nobody has told of yet may be the one that is meant.
        if (session.IsUncertain) return FileProblems.Rebuilding;
        if (present is null) return _request.IfMatch is null ? null : FileProblems.PreconditionFailed(null);
        // The date that the version has, also where it has not come yet and is told to nobody: whoever names an earlier one has seen another.
        var facts = new ContentFacts(present.Size, present.Version.ETag, present.Replica.CommittedAt, now);
        return ContentRules.Decide(_request, facts) is ContentDecision.PreconditionFailed ? FileProblems.PreconditionFailed(present.Version) : null;
    }
}
