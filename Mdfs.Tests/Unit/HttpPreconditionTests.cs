using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9110, section 13 and what it leans on, sentence by sentence, for a movie of 1000 bytes with the tag "7".</summary>
public sealed class HttpPreconditionTests
{
    private const string Earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
    private const string Same = HttpExchange.Modified;
    private const string Later = "Sun, 06 Nov 1994 08:49:38 GMT";

    public static TheoryData<string, string, string, string> Sentences => new()
    {
        { "9.3.1", "a GET without conditions gets the whole", "", "200" },
        { "9.3.2", "a HEAD without conditions gets the headers of the whole", "HEAD", "200" },

        { "13.1.1", "If-Match with the current tag lets the request through", "If-Match: \"7\"", "200" },
        { "13.1.1", "If-Match with another tag fails", "If-Match: \"8\"", "412" },
        { "13.1.1", "one matching tag of a list is enough", "If-Match: \"5\", \"6\", \"7\"", "200" },
        { "13.1.1", "a list without ours fails", "If-Match: \"5\",\"6\"", "412" },
        { "13.1.1", "the star holds when there is any representation", "If-Match: *", "200" },
        { "13.1.1", "the comparison is strong: a weak tag never matches", "If-Match: W/\"7\"", "412" },
        { "13.1.1", "a strong tag beside a weak one still matches", "If-Match: W/\"7\", \"7\"", "200" },
        { "13.1.1", "it holds for HEAD too", "HEAD\nIf-Match: \"8\"", "412" },
        { "13.1.1", "it holds for methods that change something", "DELETE\nIf-Match: \"8\"", "412" },
        { "5.3", "several lines of a list are one list", "If-Match: \"5\"\nIf-Match: \"7\"", "200" },
        { "5.6.1.2", "empty elements of a list are passed over", "If-Match: , ,\t\"5\" ,,\"7\",", "200" },
        { "5.6.1.2", "a list of nothing matches nothing", "If-Match: ,", "412" },
        { "8.8.3", "a tag without quotes is none", "If-Match: 7", "412" },
        { "8.8.3", "a tag that is never closed is none", "If-Match: \"7", "412" },
        { "8.8.3", "a blank within a tag makes it none, and the list with it", "If-Match: \"7\", \"a b\"", "412" },
        { "8.8.3", "two tags without a comma are no list", "If-Match: \"6\" \"7\"", "412" },
        { "8.8.3", "a comma within quotes belongs to the tag", "If-Match: \"6,\", \"7\"", "200" },
        { "8.8.3", "tags are compared byte by byte, with no leading zeros", "If-Match: \"07\"", "412" },
        { "8.8.3", "the weakness mark is an upper-case W", "If-None-Match: w/\"7\"", "200" },
        { "8.8.3", "characters above ASCII are allowed in a tag", "If-Match: \"é\", \"7\"", "200" },
        { "8.8.3", "an empty tag is a tag", "If-Match: \"\", \"7\"", "200" },
        { "13.1.1", "the star stands alone, not in a list", "If-Match: *, \"8\"", "412" },

        { "13.1.2", "If-None-Match with the current tag: the client has it", "If-None-Match: \"7\"", "304" },
        { "13.1.2", "with another tag: the client lacks it", "If-None-Match: \"8\"", "200" },
        { "13.1.2", "the comparison is weak", "If-None-Match: W/\"7\"", "304" },
        { "13.1.2", "one matching tag of a list is enough", "If-None-Match: \"5\", W/\"7\"", "304" },
        { "13.1.2", "the star fails when there is any representation", "If-None-Match: *", "304" },
        { "13.1.2", "HEAD is answered 304 as well", "HEAD\nIf-None-Match: \"7\"", "304" },
        { "13.1.2", "any other method is answered 412", "PUT\nIf-None-Match: *", "412" },
        { "13.1.2", "what is no list of tags matches nothing", "If-None-Match: 7", "200" },
        { "13.1.2", "an empty value matches nothing", "If-None-Match:", "200" },

        { "13.1.3", "not modified since a later date", $"If-Modified-Since: {Later}", "304" },
        { "13.1.3", "not modified since the very date, whatever the fraction of the second", $"If-Modified-Since: {Same}", "304" },
        { "13.1.3", "modified since an earlier date", $"If-Modified-Since: {Earlier}", "200" },
        { "13.1.3", "HEAD is answered 304 as well", $"HEAD\nIf-Modified-Since: {Same}", "304" },
        { "13.1.3", "ignored when If-None-Match is there, even if that finds nothing", $"If-None-Match: \"8\"\nIf-Modified-Since: {Later}", "200" },
        { "13.1.3", "ignored when If-None-Match is there without a value", $"If-None-Match:\nIf-Modified-Since: {Later}", "200" },
        { "13.1.3", "ignored when it is no date", "If-Modified-Since: yesterday", "200" },
        { "13.1.3", "ignored when it holds two dates", $"If-Modified-Since: {Later}\nIf-Modified-Since: {Later}", "200" },
        { "13.1.3", "ignored when something follows the date", $"If-Modified-Since: {Later}; length=1000", "200" },
        { "13.1.3", "ignored for methods other than GET and HEAD", $"DELETE\nIf-Modified-Since: {Later}", "200" },

        { "13.1.4", "unmodified since a later date", $"If-Unmodified-Since: {Later}", "200" },
        { "13.1.4", "unmodified since the very date, whatever the fraction of the second", $"If-Unmodified-Since: {Same}", "200" },
        { "13.1.4", "modified since an earlier date: refused", $"If-Unmodified-Since: {Earlier}", "412" },
        { "13.1.4", "ignored when If-Match is there", $"If-Match: \"7\"\nIf-Unmodified-Since: {Earlier}", "200" },
        { "13.1.4", "ignored when it is no date", "If-Unmodified-Since: 1994-11-06T08:49:36Z", "200" },
        { "13.1.4", "ignored when it holds two dates", $"If-Unmodified-Since: {Earlier}, {Earlier}", "200" },
        { "13.1.4", "it holds for methods that change something", $"DELETE\nIf-Unmodified-Since: {Earlier}", "412" },

        { "13.1.5", "If-Range with the current tag: the part", "If-Range: \"7\"\nRange: bytes=0-9", "206 0-9" },
        { "13.1.5", "with another tag: the whole", "If-Range: \"8\"\nRange: bytes=0-9", "200" },
        { "13.1.5", "the comparison is strong: a weak tag gets the whole", "If-Range: W/\"7\"\nRange: bytes=0-9", "200" },
        { "13.1.5", "with the very date, which is a strong validator here: the part", $"If-Range: {Same}\nRange: bytes=0-9", "206 0-9" },
        { "13.1.5", "with the very date in an old format: the part", "If-Range: Sunday, 06-Nov-94 08:49:37 GMT\nRange: bytes=0-9", "206 0-9" },
        { "13.1.5", "a later date is not our date: the whole", $"If-Range: {Later}\nRange: bytes=0-9", "200" },
        { "13.1.5", "an earlier date is not our date: the whole", $"If-Range: {Earlier}\nRange: bytes=0-9", "200" },
        { "13.1.5", "a list of tags is no validator: the whole", "If-Range: \"7\", \"8\"\nRange: bytes=0-9", "200" },
        { "13.1.5", "the star is no validator: the whole", "If-Range: *\nRange: bytes=0-9", "200" },
        { "13.1.5", "nonsense is no validator: the whole", "If-Range: soon\nRange: bytes=0-9", "200" },
        { "13.1.5", "ignored without a Range", "If-Range: \"8\"", "200" },
        { "13.1.5", "a stale validator turns even a 416 into the whole", "If-Range: \"8\"\nRange: bytes=1000-", "200" },
        { "14.2", "a good validator leaves an unsatisfiable range unsatisfiable", "If-Range: \"7\"\nRange: bytes=1000-", "416" },

        { "13.2.2", "step 1 comes before step 3", "If-Match: \"8\"\nIf-None-Match: \"7\"", "412" },
        { "13.2.2", "step 2 comes before step 3", $"If-Unmodified-Since: {Earlier}\nIf-None-Match: \"7\"", "412" },
        { "13.2.2", "step 1 holds, so step 3 decides", "If-Match: \"7\"\nIf-None-Match: \"7\"", "304" },
        { "13.2.2", "step 2 holds, so step 4 decides", $"If-Unmodified-Since: {Same}\nIf-Modified-Since: {Same}", "304" },
        { "13.2.2", "step 1 comes before the range", "If-Match: \"8\"\nRange: bytes=0-9", "412" },
        { "13.2.2", "step 1 holds, so the range is served: how VLC seeks", "If-Match: \"7\"\nRange: bytes=500-", "206 500-999" },
        { "13.2.2", "step 2 holds, so the range is served: how VLC seeks", $"If-Unmodified-Since: {Same}\nRange: bytes=500-", "206 500-999" },
        { "13.2.2", "step 3 comes before an unsatisfiable range", "If-None-Match: \"7\"\nRange: bytes=1000-", "304" },
        { "13.2.2", "step 4 comes before the range", $"If-Modified-Since: {Same}\nRange: bytes=0-9", "304" },
        { "13.2.2", "steps 3 and 5 both hold: the part", "If-None-Match: \"8\"\nIf-Range: \"7\"\nRange: bytes=0-9", "206 0-9" },
    };

    [Theory]
    [MemberData(nameof(Sentences))]
    public void A_precondition_is_judged_as_the_RFC_says(string section, string sentence, string request, string answer) =>
        Assert.Equal((section, sentence, answer), (section, sentence, HttpExchange.Answer(request, HttpExchange.Facts())));

    [Theory]
    [InlineData("If-Range: {0}\nRange: bytes=0-9", "200")]
    [InlineData("If-Range: \"7\"\nRange: bytes=0-9", "206 0-9")]
    [InlineData("If-Modified-Since: {0}", "200")]
    [InlineData("If-Unmodified-Since: {1}", "200")]
    public void While_no_date_can_be_told_conditions_by_date_are_ignored_and_validate_nothing(string request, string answer) =>
        Assert.Equal(answer, HttpExchange.Answer(string.Format(System.Globalization.CultureInfo.InvariantCulture, request, Same, Earlier), HttpExchange.Facts(dated: false)));

    [Fact]
    public void A_decision_on_a_read_without_a_range_allocates_nothing()
    {
        var facts = HttpExchange.Facts();
        var request = HttpExchange.Request($"If-Match: \"6\", \"7\"\nIf-None-Match: W/\"8\"\nIf-Modified-Since: {Earlier}");
        Assert.IsType<ContentDecision.Full>(ContentRules.Decide(request, facts));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            ContentRules.Decide(request, facts);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
