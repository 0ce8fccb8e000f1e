using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Web.Forwarding;

/// <summary>
/// A movie, or one part of it, asked for the way players do: what the master answers on its event loops (docs/decisions/event-loops.md). A connection of which something else is asked leaves its loop for good, so that
/// these requests have connections of their own. Nothing depends on the judgement but speed.
/// </summary>
internal static class PlainMovieRequest
{
    // With each of them the answer may be another one than bytes, or is not a plain range of them; Origin makes it another site's.
    private static readonly string[] _unusual =
    [
        HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince, HeaderNames.Origin, HeaderNames.ContentLength, HeaderNames.TransferEncoding, HeaderNames.TE, HeaderNames.Expect, HeaderNames.Upgrade, "Want-Repr-Digest",
    ];

    public static bool Is(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        && request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget is { } target && IsMovie(target)
        && !request.Headers.Range.ToString().Contains(',', StringComparison.Ordinal)
        && !_unusual.Any(request.Headers.ContainsKey);

    // A further parameter asks for something else than the bytes, or gives a key.
    private static bool IsMovie(string target) =>
        !target.Contains('&', StringComparison.Ordinal)
        && (target.StartsWith("/download?name=", StringComparison.Ordinal) || target.StartsWith("/play?name=", StringComparison.Ordinal)
            || (!target.Contains('?', StringComparison.Ordinal)
                && (target.StartsWith("/index/", StringComparison.Ordinal) || (target.StartsWith("/api/files/", StringComparison.Ordinal) && target.EndsWith("/content", StringComparison.Ordinal)))));
}
