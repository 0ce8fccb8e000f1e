namespace Mdfs.Protocol.Http;

/// <summary>What to answer to a request for a movie's bytes: one of the six records nested here, and nothing else.</summary>
public abstract record ContentDecision
{
    private ContentDecision()
    {
    }

    /// <summary>The status code that says it.</summary>
    public abstract int StatusCode { get; }

    /// <summary>200: the whole representation (headers alone for HEAD).</summary>
    public sealed record Full : ContentDecision
    {
        public static readonly Full Instance = new();

        private Full()
        {
        }

        public override int StatusCode => 200;
    }

    /// <summary>206 with one range; <c>Content-Range</c> is <see cref="ByteRange.ContentRange"/> (RFC 9110, 15.3.7.1).</summary>
    public sealed record Partial(ByteRange Range) : ContentDecision
    {
        public override int StatusCode => 206;
    }

    /// <summary>
    /// 206 with two or more ranges, in the order to send them, as <see cref="MultipartByteRanges"/>; such a response has no
    /// <c>Content-Range</c> of its own (RFC 9110, 15.3.7.2).
    /// </summary>
    public sealed record MultiPartial(IReadOnlyList<ByteRange> Ranges) : ContentDecision
    {
        public override int StatusCode => 206;
    }

    /// <summary>304: the client already has it; the answer carries the ETag and no body (RFC 9110, 15.4.5).</summary>
    public sealed record NotModified : ContentDecision
    {
        public static readonly NotModified Instance = new();

        private NotModified()
        {
        }

        public override int StatusCode => 304;
    }

    /// <summary>412: the client wanted another version than the one that stands here (RFC 9110, 15.5.13).</summary>
    public sealed record PreconditionFailed : ContentDecision
    {
        public static readonly PreconditionFailed Instance = new();

        private PreconditionFailed()
        {
        }

        public override int StatusCode => 412;
    }

    /// <summary>416: no byte of what was asked for exists; <c>Content-Range</c> is <see cref="ByteRange.Unsatisfied"/> (RFC 9110, 15.5.17).</summary>
    public sealed record RangeNotSatisfiable : ContentDecision
    {
        public static readonly RangeNotSatisfiable Instance = new();

        private RangeNotSatisfiable()
        {
        }

        public override int StatusCode => 416;
    }
}
