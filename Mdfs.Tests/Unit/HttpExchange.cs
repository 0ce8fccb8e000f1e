using System.Globalization;
using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>Lets the tables of RFC sentences be written as requests and answers: header lines in, <c>206 0-99</c> out.</summary>
internal static class HttpExchange
{
    public const string ETag = "\"7\"";
    public const string Modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static ContentFacts Facts(long length = 1000, bool dated = true) =>
        // The half second is there on purpose: a commit hardly ever falls on a whole one.
        new(length, ETag, dated ? new DateTimeOffset(1994, 11, 6, 8, 49, 37, 500, TimeSpan.Zero) : null, Now);

    /// <summary>Header lines, with the method alone on the first line when it is not GET. Equal headers are joined as a server does.</summary>
    public static ContentRequest Request(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var method = lines.FirstOrDefault(line => !line.Contains(':', StringComparison.Ordinal)) ?? "GET";
        var headers = lines.Where(line => line.Contains(':', StringComparison.Ordinal))
            .Select(line => line.Split(':', 2))
            .GroupBy(pair => pair[0], pair => pair[1].Trim(' ', '\t'))
            .ToDictionary(group => group.Key, group => string.Join(", ", group));
        var request = new ContentRequest
        {
            Method = method,
            IfMatch = headers.GetValueOrDefault("If-Match"),
            IfNoneMatch = headers.GetValueOrDefault("If-None-Match"),
            IfModifiedSince = headers.GetValueOrDefault("If-Modified-Since"),
            IfUnmodifiedSince = headers.GetValueOrDefault("If-Unmodified-Since"),
            IfRange = headers.GetValueOrDefault("If-Range"),
            Range = headers.GetValueOrDefault("Range"),
        };
        string[] known = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"];
        Assert.Empty(headers.Keys.Except(known));
        return request;
    }

    /// <summary>The status code and the ranges, for example <c>206 0-0,5-9</c>.</summary>
    public static string Answer(ContentDecision decision) => decision switch
    {
        ContentDecision.Partial one => $"{one.StatusCode} {Text(one.Range)}",
        ContentDecision.MultiPartial many => $"{many.StatusCode} {string.Join(',', many.Ranges.Select(Text))}",
        _ => decision.StatusCode.ToString(CultureInfo.InvariantCulture),
    };

    public static string Answer(string request, ContentFacts facts) => Answer(ContentRules.Decide(Request(request), facts));

    private static string Text(ByteRange range) => $"{range.From}-{range.To}";
}
