namespace Mdfs.Protocol.Http;

/// <summary>A run of bytes of one representation, both ends included, counted from 0 (RFC 9110, 14.1.2).</summary>
/// <param name="From">Offset of the first byte.</param>
/// <param name="To">Offset of the last byte, never below <paramref name="From"/>.</param>
public readonly record struct ByteRange(long From, long To)
{
    /// <summary>Bytes in the range, at least one.</summary>
    public long Length => To - From + 1;

    /// <summary>The value of <c>Content-Range</c> for this range of <paramref name="total"/> bytes (RFC 9110, 14.4).</summary>
    public string ContentRange(long total) => $"bytes {From}-{To}/{total}";

    /// <summary>The value of <c>Content-Range</c> that belongs in a 416: no range, only the length (RFC 9110, 15.5.17).</summary>
    public static string Unsatisfied(long total) => $"bytes */{total}";

    /// <summary>Whether the two share a byte or follow one another without a gap.</summary>
    internal bool Touches(ByteRange other) => From - 1 <= other.To && other.From - 1 <= To;

    /// <summary>The smallest range that holds both.</summary>
    internal ByteRange Joined(ByteRange other) => new(Math.Min(From, other.From), Math.Max(To, other.To));
}
