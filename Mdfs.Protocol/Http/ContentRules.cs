namespace Mdfs.Protocol.Http;

/// <summary>
/// Which answer a request for a movie's bytes gets: a function of its arguments alone, so that master and workers never disagree.
/// The order of the steps is that of RFC 9110, 13.2.2. No input makes it throw.
/// </summary>
public static class ContentRules
{
    /// <summary>
    /// Judges the preconditions, then the range. For methods other than GET and HEAD, <see cref="ContentDecision.Full"/> means "go on".
    /// </summary>
    public static ContentDecision Decide(in ContentRequest request, in ContentFacts facts)
    {
        var isGet = request.Method == "GET";
        var isRead = isGet || request.Method == "HEAD";

        // Steps 1 and 2. A date that is not a date is as good as none, and so is any while the movie has none (13.1.3, 13.1.4: comparing with null
        // is false); a tag list that is not one matches nothing, since letting the request through would be the unsafe way to misunderstand it.
        if (request.IfMatch is { } wanted)
        {
            if (!EntityTags.AnyMatchesStrongly(wanted, facts.ETag))
                return ContentDecision.PreconditionFailed.Instance;
        }
        else if (HttpDate.TryParse(request.IfUnmodifiedSince, facts.Now, out var unmodifiedSince) && facts.LastModified > unmodifiedSince)
        {
            return ContentDecision.PreconditionFailed.Instance;
        }

        // Steps 3 and 4.
        if (request.IfNoneMatch is { } known)
        {
            if (EntityTags.AnyMatchesWeakly(known, facts.ETag))
                return isRead ? ContentDecision.NotModified.Instance : ContentDecision.PreconditionFailed.Instance;
        }
        else if (isRead && HttpDate.TryParse(request.IfModifiedSince, facts.Now, out var modifiedSince) && facts.LastModified <= modifiedSince)
        {
            return ContentDecision.NotModified.Instance;
        }

        // Step 5. Where If-Range holds, a range past the end is a 416 by 14.2: a client that has it all is not sent it all again.
        if (!isGet || request.Range is not { } range || (request.IfRange is { } validator && !IsCurrent(validator, facts)))
            return ContentDecision.Full.Instance;

        return RangeSet.Select(range, facts.Length);
    }

    /// <summary>If-Range holds a tag or a date, never a list; either has to be exactly ours (RFC 9110, 13.1.5).</summary>
    private static bool IsCurrent(string validator, in ContentFacts facts) =>
        EntityTags.IsStrongly(validator, facts.ETag) || (HttpDate.TryParse(validator, facts.Now, out var date) && date == facts.LastModified);
}
