namespace Mdfs.Protocol.Http;

/// <summary>What is known about the one version that would be sent; equal on every replica, because it comes from the catalog.</summary>
/// <param name="Length">Bytes of the representation, 0 or more.</param>
/// <param name="ETag">Its strong entity tag, with the quotes (RFC 9110, 8.8.3).</param>
/// <param name="LastModified">When the version was committed; kept to the whole second, as HTTP dates are.</param>
/// <param name="LastModifiedIsStrong">
/// Whether the server knows that the name changed only once within the second of <paramref name="LastModified"/> (RFC 9110, 8.8.2.2).
/// When in doubt <see langword="false"/>: it costs a client that resumes by date a whole body instead of a wrong one.
/// </param>
/// <param name="Now">The server's clock; settles the century of dates with two-digit years (RFC 9110, 5.6.7).</param>
public readonly record struct ContentFacts(long Length, string ETag, DateTimeOffset LastModified, bool LastModifiedIsStrong, DateTimeOffset Now)
{
    /// <summary>The time of the last change in whole seconds, rounded down.</summary>
    public DateTimeOffset LastModified { get; } = HttpDate.WholeSeconds(LastModified);
}
