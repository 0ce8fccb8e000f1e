using System.Text;
using CsCheck;
using Mdfs.Protocol.Http;
using Microsoft.AspNetCore.WebUtilities;
using Xunit;

namespace Mdfs.Tests.Unit;

public sealed class HttpMultipartByteRangesTests
{
    [Fact]
    public void The_body_is_the_one_the_RFC_draws()
    {
        var frame = new MultipartByteRanges([new(1, 2), new(9, 9)], "video/mp4", 10, "SEAM");

        Assert.Equal("multipart/byteranges; boundary=SEAM", frame.ContentType);
        Assert.Equal(
            "--SEAM\r\nContent-Type: video/mp4\r\nContent-Range: bytes 1-2/10\r\n\r\nbc" +
            "\r\n--SEAM\r\nContent-Type: video/mp4\r\nContent-Range: bytes 9-9/10\r\n\r\nj" +
            "\r\n--SEAM--\r\n",
            Encoding.ASCII.GetString(Body(frame, "abcdefghij"u8.ToArray())));
    }

    [Fact]
    public void The_announced_length_is_that_of_the_body_and_a_reader_finds_every_part() =>
        Gen.Select(Gen.Select(Gen.Int[0, 99], Gen.Int[0, 99]).Array[2, 8], Gen.Byte.Array[100]).Sample((pairs, movie) =>
        {
            ByteRange[] ranges = [.. pairs.Select(pair => new ByteRange(Math.Min(pair.Item1, pair.Item2), Math.Max(pair.Item1, pair.Item2)))];
            var boundary = MultipartByteRanges.NewBoundary();
            var frame = new MultipartByteRanges(ranges, "video/x-matroska", movie.Length, boundary);
            var body = Body(frame, movie);
            Assert.Equal(body.Length, frame.ContentLength);

            var reader = new MultipartReader(boundary, new MemoryStream(body));
            foreach (var range in ranges)
            {
                var part = reader.ReadNextSectionAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
                Assert.NotNull(part);
                Assert.Equal("video/x-matroska", part.ContentType);
                Assert.Equal($"bytes {range.From}-{range.To}/100", part.Headers!["Content-Range"]);
                var bytes = new MemoryStream();
                part.Body.CopyTo(bytes);
                Assert.Equal(movie[(int)range.From..((int)range.To + 1)], bytes.ToArray());
            }

            Assert.Null(reader.ReadNextSectionAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult());
        }, iter: 200, threads: 1);

    [Fact]
    public void Lengths_beyond_32_bits_are_summed_exactly()
    {
        const long total = 1L << 50;
        var frame = new MultipartByteRanges([new(0, (1L << 40) - 1), new(1L << 45, (1L << 45) + (1L << 40) - 1)], "video/mp4", total, "b");

        Assert.Equal((2L << 40) + frame.Parts.Sum(part => part.Head.Length) + frame.Closing.Length, frame.ContentLength);
    }

    [Fact]
    public void Two_boundaries_are_never_the_same() =>
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(_ => MultipartByteRanges.NewBoundary()).Distinct().Count());

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\"b")]
    [InlineData("a\r\nSet-Cookie: x")]
    [InlineData("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs")]
    public void A_boundary_that_would_not_survive_a_header_is_refused(string boundary) =>
        Assert.Throws<ArgumentException>(() => new MultipartByteRanges([new(0, 0), new(2, 2)], "video/mp4", 10, boundary));

    [Fact]
    public void A_content_type_that_would_break_the_line_is_refused() =>
        Assert.Throws<ArgumentException>(() => new MultipartByteRanges([new(0, 0), new(2, 2)], "video/mp4\r\nX: y", 10, "b"));

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(5, 4)]
    [InlineData(0, 10)]
    public void A_range_outside_of_the_movie_is_refused(long from, long to) =>
        Assert.Throws<ArgumentException>(() => new MultipartByteRanges([new(0, 0), new(from, to)], "video/mp4", 10, "b"));

    private static byte[] Body(MultipartByteRanges frame, byte[] movie) =>
    [
        .. frame.Parts.SelectMany(part => part.Head.ToArray().Concat(movie[(int)part.Range.From..((int)part.Range.To + 1)])),
        .. frame.Closing.Span,
    ];
}
