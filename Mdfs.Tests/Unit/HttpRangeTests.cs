using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9110, section 14, sentence by sentence.</summary>
public sealed class HttpRangeTests
{
    private const string BeyondLong = "9223372036854775808";
    private const string BeyondUlong = "18446744073709551616";
    private static readonly string _googol = "1" + new string('0', 100);

    /// <summary>For a movie of 1000 bytes.</summary>
    public static TheoryData<string, string, string, string> Sentences => new()
    {
        { "14.1.2", "both ends are included", "Range: bytes=0-499", "206 0-499" },
        { "14.1.2", "a range in the middle", "Range: bytes=500-599", "206 500-599" },
        { "14.1.2", "one byte: what Safari asks first", "Range: bytes=0-0", "206 0-0" },
        { "14.1.2", "two bytes: what Safari asks next", "Range: bytes=0-1", "206 0-1" },
        { "14.1.2", "the last byte", "Range: bytes=999-999", "206 999-999" },
        { "14.1.2", "an open range goes to the end", "Range: bytes=900-", "206 900-999" },
        { "14.1.2", "an open range from the start is a part like any other", "Range: bytes=0-", "206 0-999" },
        { "14.1.2", "an end past the end means the end", "Range: bytes=900-5000", "206 900-999" },
        { "14.1.2", "an end at the length means the end", "Range: bytes=0-1000", "206 0-999" },
        { "14.1.2", "a start at the length is unsatisfiable", "Range: bytes=1000-", "416" },
        { "14.1.2", "a start past the end is unsatisfiable", "Range: bytes=5000-6000", "416" },
        { "14.1.2", "a suffix is counted from the end", "Range: bytes=-1", "206 999-999" },
        { "14.1.2", "a suffix of the whole length is all of it", "Range: bytes=-1000", "206 0-999" },
        { "14.1.2", "a suffix longer than the movie is all of it", "Range: bytes=-5000", "206 0-999" },
        { "14.1.2", "a suffix of nothing is unsatisfiable", "Range: bytes=-0", "416" },
        { "14.1.2", "many zeros are still zero", "Range: bytes=-000", "416" },
        { "14.1.2", "leading zeros do not matter", "Range: bytes=00000000000000000000000001-0000000000000000000000000000002", "206 1-2" },
        { "14.1.2", "a last position beyond 64 bits means the end", $"Range: bytes=5-{BeyondUlong}", "206 5-999" },
        { "14.1.2", "a last position beyond 63 bits means the end", $"Range: bytes=5-{BeyondLong}", "206 5-999" },
        { "14.1.2", "a last position of a hundred digits means the end", $"Range: bytes=5-{_googol}", "206 5-999" },
        { "14.1.2", "a suffix beyond 64 bits is all of it", $"Range: bytes=-{BeyondUlong}", "206 0-999" },
        { "14.1.2", "a first position beyond 64 bits is unsatisfiable, not wrapped round to 0", $"Range: bytes={BeyondUlong}-", "416" },
        { "14.1.2", "a first position of a hundred digits is unsatisfiable", $"Range: bytes={_googol}-{_googol}", "416" },

        { "14.1.1", "an end before the start is invalid, thus ignored", "Range: bytes=5-4", "200" },
        { "14.1.1", "so it is past the end", "Range: bytes=5000-4999", "200" },
        { "14.1.1", "and beyond 64 bits", "Range: bytes=18446744073709551617-18446744073709551616", "200" },
        { "14.1.1", "one invalid range spoils the set", "Range: bytes=0-9,5-4", "200" },
        { "14.1.1", "whatever its place", "Range: bytes=x,0-9", "200" },
        { "14.1.1", "no range at all is invalid", "Range: bytes=", "200" },
        { "14.1.1", "a lone hyphen is invalid", "Range: bytes=-", "200" },
        { "14.1.1", "two hyphens are invalid", "Range: bytes=--5", "200" },
        { "14.1.1", "three numbers are invalid", "Range: bytes=1-2-3", "200" },
        { "14.1.1", "a number alone is invalid", "Range: bytes=5", "200" },
        { "14.1.1", "letters are invalid", "Range: bytes=a-b", "200" },
        { "14.1.1", "a sign is invalid", "Range: bytes=+1-2", "200" },
        { "14.1.1", "hexadecimal is invalid", "Range: bytes=0x1-2", "200" },
        { "14.1.1", "digits of other scripts are invalid", "Range: bytes=\u0661-\u0662", "200" },
        { "14.1.1", "a blank within a range is invalid", "Range: bytes=0 - 9", "200" },
        { "14.1.1", "a blank before the equals sign is invalid", "Range: bytes =0-9", "200" },
        { "14.1.1", "without the equals sign it is nothing", "Range: bytes 0-9", "200" },
        { "14.1.1", "a quoted range is invalid", "Range: bytes=\"0-9\"", "200" },
        { "14.1", "names of units know no case", "Range: BYTES=0-9", "206 0-9" },
        { "14.2", "an unknown unit is ignored", "Range: seconds=0-9", "200" },
        { "14.2", "an unknown unit is ignored though ours is its beginning", "Range: bytesize=0-9", "200" },
        { "14.2", "without a unit it is ignored", "Range: 0-9", "200" },
        { "14.2", "an empty value is ignored", "Range:", "200" },
        { "14.2", "only GET knows ranges", "HEAD\nRange: bytes=0-9", "200" },
        { "14.2", "only GET can be unsatisfiable", "HEAD\nRange: bytes=1000-", "200" },
        { "14.2", "for HEAD If-Range does not matter", "HEAD\nIf-Range: \"8\"\nRange: bytes=0-9", "200" },
        { "9.1", "methods are case-sensitive", "get\nRange: bytes=0-9", "200" },
        { "14.2", "two Range lines are not a list of ranges", "Range: bytes=0-9\nRange: bytes=20-29", "200" },

        { "14.1.2", "the RFC's own set, blank and all", "Range: bytes= 0-99, 450-549, -100", "206 0-99,450-549,900-999" },
        { "14.1.2", "first and last byte only", "Range: bytes=0-0,-1", "206 0-0,999-999" },
        { "14.1.2", "the order of the request is kept", "Range: bytes=900-,0-9", "206 900-999,0-9" },
        { "5.6.1.2", "empty elements are passed over", "Range: bytes=,, 0-9 ,\t,20-29,", "206 0-9,20-29" },
        { "5.6.1.2", "one range among empty elements is one range", "Range: bytes=,0-9,", "206 0-9" },
        { "5.6.1.2", "empty elements alone are no range", "Range: bytes=, ,", "200" },
        { "15.3.7.2", "unsatisfiable ranges are left out", "Range: bytes=0-9,5000-,20-29", "206 0-9,20-29" },
        { "15.3.7.2", "one satisfiable range of several is sent without multipart", "Range: bytes=5000-,0-9,-0", "206 0-9" },
        { "15.5.17", "a set without a satisfiable range is unsatisfiable", "Range: bytes=1000-,2000-3000,-0", "416" },
        { "15.3.7.2", "a few that touch are sent as asked", "Range: bytes=500-600,601-999", "206 500-600,601-999" },
        { "15.3.7.2", "a few that overlap are sent as asked", "Range: bytes=500-700,601-999", "206 500-700,601-999" },
        { "15.3.7.2", "more that overlap or touch are joined", "Range: bytes=0-9,5-14,100-109,110-119,200-209", "206 0-14,100-119,200-209" },
        { "15.3.7.2", "joined ranges stand where the first was asked for", "Range: bytes=900-909,0-9,910-919,500-509,5-14", "206 900-919,0-14,500-509" },
        { "15.3.7.2", "one range can join two", "Range: bytes=0-9,20-29,600-609,10-19,700-709", "206 0-29,600-609,700-709" },
        { "15.3.7.2", "all joined to one are sent without multipart", "Range: bytes=0-1,2-3,4-5,6-7,8-9", "206 0-9" },
        { "15.3.7.2", "many that keep apart are sent as asked", "Range: bytes=0-0,2-2,4-4,6-6,8-8", "206 0-0,2-2,4-4,6-6,8-8" },
        { "17.15", "ranges that ask for more than the movie get the movie", "Range: bytes=0-,0-", "200" },
        { "17.15", "also when each is a part", "Range: bytes=0-599,400-999", "200" },
        { "15.3.7", "ranges that ask for exactly the movie are served", "Range: bytes=0-499,500-999", "206 0-499,500-999" },
    };

    /// <summary>For a movie of 0 bytes.</summary>
    public static TheoryData<string, string, string, string> SentencesOnNothing => new()
    {
        { "14.1.2", "nothing is served as nothing", "", "200" },
        { "14.1.2", "an open range of nothing is unsatisfiable", "Range: bytes=0-", "416" },
        { "14.1.2", "so is its first byte", "Range: bytes=0-0", "416" },
        { "14.1.2", "the suffix is the only form that nothing satisfies; no 206 can say it, so the whole", "Range: bytes=-5", "200" },
        { "14.1.2", "one suffix in a set is enough", "Range: bytes=0-0,-5", "200" },
        { "14.1.2", "but not a suffix of nothing", "Range: bytes=-0", "416" },
        { "14.1.1", "the invalid stays ignored", "Range: bytes=1-0", "200" },
        { "13.1.5", "a stale validator gets the whole", "If-Range: \"8\"\nRange: bytes=0-", "200" },
    };

    [Theory]
    [MemberData(nameof(Sentences))]
    public void A_range_is_read_as_the_RFC_says(string section, string sentence, string request, string answer) =>
        Assert.Equal((section, sentence, answer), (section, sentence, HttpExchange.Answer(request, HttpExchange.Facts())));

    [Theory]
    [MemberData(nameof(SentencesOnNothing))]
    public void A_range_of_an_empty_movie_is_read_as_the_RFC_says(string section, string sentence, string request, string answer) =>
        Assert.Equal((section, sentence, answer), (section, sentence, HttpExchange.Answer(request, HttpExchange.Facts(length: 0))));

    [Theory]
    [InlineData(32, 206)]
    [InlineData(33, 200)]
    public void Thirty_two_ranges_are_served_and_one_more_gets_the_whole(int count, int status)
    {
        var request = "Range: bytes=" + string.Join(',', Enumerable.Range(0, count).Select(i => $"{10 * i}-{10 * i}"));

        Assert.Equal(status, ContentRules.Decide(HttpExchange.Request(request), HttpExchange.Facts()).StatusCode);
    }

    [Fact]
    public void The_longest_movie_there_can_be_is_counted_without_overflow()
    {
        var facts = HttpExchange.Facts(long.MaxValue);

        Assert.Equal("206 0-9223372036854775806", HttpExchange.Answer("Range: bytes=0-", facts));
        Assert.Equal("206 9223372036854775806-9223372036854775806", HttpExchange.Answer("Range: bytes=-1", facts));
        Assert.Equal("416", HttpExchange.Answer("Range: bytes=9223372036854775807-", facts));
        Assert.Equal("200", HttpExchange.Answer("Range: bytes=0-,0-,0-", facts));
    }

    [Fact]
    public void Content_Range_names_both_ends_and_the_length()
    {
        Assert.Equal("bytes 42-1233/1234", new ByteRange(42, 1233).ContentRange(1234));
        Assert.Equal("bytes */1234", ByteRange.Unsatisfied(1234));
    }

    [Fact]
    public void A_single_range_costs_one_small_object()
    {
        var facts = HttpExchange.Facts();
        var request = HttpExchange.Request("If-Range: \"7\"\nRange: bytes=500-");
        Assert.IsType<ContentDecision.Partial>(ContentRules.Decide(request, facts));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            ContentRules.Decide(request, facts);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000 * 32);
    }
}
