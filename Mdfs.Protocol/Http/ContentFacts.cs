using Mdfs.Protocol.Wire;

namespace Mdfs.Protocol.Http;

/// <summary>What is known about the one version that would be sent; equal on every replica, because it comes from the catalog.</summary>
/// <param name="Length">Bytes of the representation, 0 or more.</param>
/// <param name="ETag">Its strong entity tag, with the quotes (RFC 9110, 8.8.3).</param>
/// <param name="LastModified">
/// When the version was committed, kept to the whole second, as HTTP dates are; <see langword="null"/> while no date can be told. A date that is told
/// is always a strong validator (RFC 9110, 8.8.2.2): no other version of the name was ever sent with it.
/// </param>
/// <param name="Now">The server's clock; settles the century of dates with two-digit years (RFC 9110, 5.6.7).</param>
public readonly record struct ContentFacts(long Length, string ETag, DateTimeOffset? LastModified, DateTimeOffset Now)
{
    /// <summary>The time of the last change in whole seconds, rounded down.</summary>
    public DateTimeOffset? LastModified { get; } = LastModified is { } time ? HttpDate.WholeSeconds(time) : null;

    /// <summary>
    /// What master and workers say of a version. Two versions of a name never share a second (the later one's commit is dated into the next), so the date
    /// is strong; but it may lie a moment ahead then, and a date after the response's own must not be sent (RFC 9110, 8.8.2.1): none is, until it has come.
    /// </summary>
    /// <param name="now">The master's clock.</param>
    public static ContentFacts Of(ReplicaDescription replica, DateTimeOffset now) =>
        new(replica.Size, replica.Version.ETag, HttpDate.WholeSeconds(replica.CommittedAt) <= now ? replica.CommittedAt : null, now);
}
