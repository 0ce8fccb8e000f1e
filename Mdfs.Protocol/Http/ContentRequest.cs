namespace Mdfs.Protocol.Http;

/// <summary>
/// What a client asks of a movie's bytes: the method and the raw header values that decide the answer. A header that was not sent is
/// <see langword="null"/>; one that was sent on several lines is joined with <c>", "</c> (RFC 9110, 5.3); an empty string is a header
/// that was sent without a value, which is not the same as none.
/// </summary>
public readonly record struct ContentRequest
{
    /// <summary>The method as sent; methods are case-sensitive (RFC 9110, 9.1).</summary>
    public required string Method { get; init; }

    /// <summary><c>If-Match</c> (RFC 9110, 13.1.1).</summary>
    public string? IfMatch { get; init; }

    /// <summary><c>If-None-Match</c> (RFC 9110, 13.1.2).</summary>
    public string? IfNoneMatch { get; init; }

    /// <summary><c>If-Modified-Since</c> (RFC 9110, 13.1.3).</summary>
    public string? IfModifiedSince { get; init; }

    /// <summary><c>If-Unmodified-Since</c> (RFC 9110, 13.1.4).</summary>
    public string? IfUnmodifiedSince { get; init; }

    /// <summary><c>If-Range</c> (RFC 9110, 13.1.5).</summary>
    public string? IfRange { get; init; }

    /// <summary><c>Range</c> (RFC 9110, 14.2).</summary>
    public string? Range { get; init; }
}
