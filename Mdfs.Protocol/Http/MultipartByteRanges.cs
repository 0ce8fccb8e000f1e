using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Protocol.Http;

/// <summary>
/// The frame of a <c>multipart/byteranges</c> body (RFC 9110, 14.6; RFC 2046, 5.1.1): everything but the movie's bytes, computed beforehand,
/// so that the length is known and the response need not be chunked. The body is, for each part, its head and then the bytes of its range;
/// after the last one <see cref="Closing"/>.
/// </summary>
public sealed class MultipartByteRanges
{
    /// <param name="ranges">The ranges, in the order to send them.</param>
    /// <param name="contentType">The movie's own content type, repeated in every part.</param>
    /// <param name="totalLength">Bytes of the whole representation.</param>
    /// <param name="boundary">1 to 70 letters, digits or <c>-</c>; has to be unguessable by whoever made the movie: see <see cref="NewBoundary"/>.</param>
    /// <exception cref="ArgumentException">The type or the boundary would not survive in a header, or a range lies outside of the movie.</exception>
    public MultipartByteRanges(IReadOnlyList<ByteRange> ranges, string contentType, long totalLength, string boundary)
    {
        if (boundary.Length is 0 or > 70 || !boundary.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            throw new ArgumentException("A boundary has 1 to 70 letters, digits and hyphens.", nameof(boundary));
        if (contentType.Any(c => c is < ' ' or > '~'))
            throw new ArgumentException("A content type is printable ASCII.", nameof(contentType));
        if (ranges.Any(range => range.From < 0 || range.To < range.From || range.To >= totalLength))
            throw new ArgumentException("A range lies outside of the representation.", nameof(ranges));

        ContentType = $"multipart/byteranges; boundary={boundary}";
        Parts = [.. ranges.Select((range, index) => new Part(Head(range, isFirst: index == 0), range))];
        Closing = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        ContentLength = Closing.Length + Parts.Sum(part => part.Head.Length + part.Range.Length);

        byte[] Head(ByteRange range, bool isFirst) => Encoding.ASCII.GetBytes(
            $"{(isFirst ? "" : "\r\n")}--{boundary}\r\nContent-Type: {contentType}\r\nContent-Range: {range.ContentRange(totalLength)}\r\n\r\n");
    }

    /// <summary>The value of the response's <c>Content-Type</c>.</summary>
    public string ContentType { get; }

    /// <summary>Bytes of the whole body: heads, ranges and closing delimiter.</summary>
    public long ContentLength { get; }

    /// <summary>The parts in the order to send them.</summary>
    public IReadOnlyList<Part> Parts { get; }

    /// <summary>The closing delimiter, sent after the last part's bytes.</summary>
    public ReadOnlyMemory<byte> Closing { get; }

    /// <summary>A boundary of 128 random bits: nobody can put it into a movie beforehand, so the movie need not be searched for it.</summary>
    public static string NewBoundary() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>One part.</summary>
    /// <param name="Head">Delimiter and headers, up to and including the empty line.</param>
    /// <param name="Range">The bytes of the movie that follow.</param>
    public readonly record struct Part(ReadOnlyMemory<byte> Head, ByteRange Range);
}
