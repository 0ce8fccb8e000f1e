using System.Numerics;
using CsCheck;
using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>What holds for every Range header there can be.</summary>
public sealed class HttpRangePropertyTests
{
    private static readonly Gen<long> _length = Gen.Frequency((1, Gen.Const(0L)), (5, Gen.Long[1, 50]), (2, Gen.Long[1, long.MaxValue]));

    // Mostly near the short lengths above, sometimes at the edges of the integer types, sometimes far beyond them.
    private static readonly Gen<string> _number = Gen.Frequency(
        (8, Gen.Int[0, 60].Select(n => $"{n}")),
        (1, Gen.OneOf("9223372036854775806", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616")),
        (1, Gen.Char['0', '9'].Array[1, 40].Select(digits => new string(digits))));

    private static readonly Gen<string> _valid = Gen.OneOf(
        Gen.Select(_number, _number, (a, b) => BigInteger.Parse(a) <= BigInteger.Parse(b) ? $"{a}-{b}" : $"{b}-{a}"),
        _number.Select(n => $"{n}-"),
        _number.Select(n => $"-{n}"));

    // Valid sets, sets with a flaw, and plain noise made of the characters that matter.
    private static readonly Gen<string> _header = Gen.OneOf(
        _valid.Array[0, 40].Select(specs => "bytes=" + string.Join(',', specs)),
        Gen.OneOf(_valid, _number, Gen.OneOf("", " ", "-", "5-4", "x")).Array[0, 6].Select(specs => "bytes=" + string.Join(", ", specs)),
        Gen.Char["bytes=0123456789-, \t*\"é\0\n"].Array[0, 30].Select(noise => new string(noise)),
        Gen.String);

    [Fact]
    public void No_header_makes_the_decision_throw() =>
        Gen.Select(Gen.OneOf(_header, Gen.String).Array[6, 6], _length, Gen.OneOf("GET", "HEAD", "PUT")).Sample((values, length, method) =>
        {
            var request = new ContentRequest
            {
                Method = method,
                IfMatch = values[0],
                IfNoneMatch = values[1],
                IfModifiedSince = values[2],
                IfUnmodifiedSince = values[3],
                IfRange = values[4],
                Range = values[5],
            };
            ContentRules.Decide(request, HttpExchange.Facts(length));
            ContentRules.Decide(request with { IfMatch = null, IfNoneMatch = null, IfRange = null }, HttpExchange.Facts(length));
        });

    [Fact]
    public void A_single_valid_range_means_what_arithmetic_without_limits_says() =>
        Gen.Select(_valid, _length).Sample((spec, length) => Assert.Equal(Reference(spec, length), Answer("bytes=" + spec, length)));

    [Fact]
    public void Ranges_lie_within_the_movie_and_never_ask_for_more_than_it() =>
        Gen.Select(_header, _length).Sample((header, length) =>
        {
            var ranges = Ranges(Decide(header, length));
            Assert.All(ranges, range => Assert.True(range.From >= 0 && range.From <= range.To && range.To < length, $"{range} of {length}"));
            Assert.True(ranges.Aggregate(BigInteger.Zero, (sum, range) => sum + range.Length) <= length);
            Assert.InRange(ranges.Count, 0, 32);
        });

    [Fact]
    public void A_served_set_holds_exactly_the_bytes_asked_for() =>
        Gen.Select(_valid.Array[1, 40], Gen.Int[1, 50]).Sample((specs, length) =>
        {
            var decision = Decide("bytes=" + string.Join(',', specs), length);
            if (decision is ContentDecision.Full)
                return;

            var asked = specs.SelectMany(spec => Offsets(Decide("bytes=" + spec, length))).ToHashSet();
            Assert.Equal(asked.Order(), Offsets(decision).Distinct().Order());
        });

    [Fact]
    public void Of_more_than_four_ranges_no_byte_is_sent_twice() =>
        Gen.Select(Gen.Select(Gen.Int[0, 199], Gen.Int[0, 30]).Array[5, 32], Gen.Int[200, 2000]).Sample((pairs, length) =>
        {
            var decision = Decide("bytes=" + string.Join(',', pairs.Select(pair => $"{pair.Item1}-{pair.Item1 + pair.Item2}")), length);

            var offsets = Offsets(decision).ToList();
            Assert.Equal(offsets.Count, offsets.Distinct().Count());
        });

    private static ContentDecision Decide(string range, long length) =>
        ContentRules.Decide(new ContentRequest { Method = "GET", Range = range }, HttpExchange.Facts(length));

    private static string Answer(string range, long length) => HttpExchange.Answer(Decide(range, length));

    private static IReadOnlyList<ByteRange> Ranges(ContentDecision decision) => decision switch
    {
        ContentDecision.Partial one => [one.Range],
        ContentDecision.MultiPartial many => many.Ranges,
        _ => [],
    };

    private static IEnumerable<long> Offsets(ContentDecision decision) =>
        Ranges(decision).SelectMany(range => Enumerable.Range((int)range.From, (int)range.Length)).Select(offset => (long)offset);

    /// <summary>RFC 9110, 14.1.2, in integers without limits.</summary>
    private static string Reference(string spec, long length)
    {
        var ends = spec.Split('-');
        if (ends[0] == "")
        {
            var suffix = BigInteger.Parse(ends[1]);
            if (suffix == 0)
                return "416";
            return length == 0 ? "200" : $"206 {BigInteger.Max(0, length - suffix)}-{length - 1}";
        }

        var first = BigInteger.Parse(ends[0]);
        if (first >= length)
            return "416";
        return $"206 {first}-{(ends[1] == "" ? length - 1 : BigInteger.Min(BigInteger.Parse(ends[1]), length - 1))}";
    }
}
