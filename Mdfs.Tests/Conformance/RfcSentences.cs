namespace Mdfs.Tests.Conformance;

/// <summary>
/// What RFC 9110 says of reading, sentence by sentence, as requests on the wire and the answers they get. <c>{etag}</c> and <c>{date}</c> are the subject's own validators,
/// <c>{n}</c> is its length, which has to be 1000 bytes at least.
/// </summary>
public static class RfcSentences
{
    public static TheoryData<string, string, string, string> OfAMovie => new()
    {
        { "9.3.1", "GET sends the whole representation", "", "200" },
        { "9.3.2", "HEAD sends the same header and no content", "HEAD", "200" },
        { "14.2", "a Range with another method than GET is ignored", "HEAD\nRange: bytes=0-9", "200" },
        { "14.2", "so is an unsatisfiable one", "HEAD\nRange: bytes={n}-", "200" },
        { "12.5.3", "a client that takes compressed content gets a movie as it is", "Accept-Encoding: gzip, br, zstd, deflate", "200" },
        { "12.5.3", "and parts of it as they are", "Accept-Encoding: gzip, br\nRange: bytes=500-", "206 500-{n-1}" },

        { "14.1.2", "first and last position, both included", "Range: bytes=0-9", "206 0-9" },
        { "14.1.2", "one byte", "Range: bytes=500-500", "206 500-500" },
        { "14.1.2", "what Safari asks first", "Range: bytes=0-1", "206 0-1" },
        { "14.1.2", "from a position to the end, as players seek", "Range: bytes=500-", "206 500-{n-1}" },
        { "14.1.2", "from the start to the end, as players begin", "Range: bytes=0-", "206 0-{n-1}" },
        { "14.1.2", "a last position beyond the end means the end", "Range: bytes=990-{n+1000}", "206 990-{n-1}" },
        { "14.1.2", "the last bytes", "Range: bytes=-10", "206 {n-10}-{n-1}" },
        { "14.1.2", "more last bytes than there are: all", "Range: bytes=-{n+1}", "206 0-{n-1}" },
        { "14.1.2", "a number of more digits than any machine word", "Range: bytes=990-99999999999999999999999999999999", "206 990-{n-1}" },
        { "14.1.2", "leading zeros", "Range: bytes=0000000000000000000000000000-0009", "206 0-9" },
        { "14.1", "the unit's case does not matter", "Range: BYTES=0-9", "206 0-9" },
        { "5.6.1.2", "empty elements of a list are passed over", "Range: bytes=,0-9,", "206 0-9" },
        { "5.6.3", "blanks around elements are allowed", "Range: bytes= 0-9 ,\t20-29", "206 0-9,20-29" },
        { "14.2", "an unknown unit is ignored", "Range: seconds=0-9", "200" },
        { "14.1.1", "a last position below the first makes the set invalid: ignored", "Range: bytes=10-9", "200" },
        { "14.1.1", "one invalid range makes the whole set invalid: ignored", "Range: bytes=0-9,x", "200" },
        { "14.1.1", "no range at all: ignored", "Range: bytes=", "200" },
        { "14.1.1", "a lone hyphen: ignored", "Range: bytes=-", "200" },
        { "14.1.1", "signs are not digits: ignored", "Range: bytes=+0-9", "200" },
        { "14.1.1", "fractions are not digits: ignored", "Range: bytes=0.0-9", "200" },
        { "14.1.1", "no unit: ignored", "Range: 0-9", "200" },
        { "14.1.1", "a blank within a range: ignored", "Range: bytes=0 - 9", "200" },
        { "5.3", "Range is no list header: two lines make nonsense, ignored", "Range: bytes=0-9\nRange: bytes=20-29", "200" },
        { "15.5.17", "a first position behind the end cannot be satisfied", "Range: bytes={n}-", "416" },
        { "15.5.17", "however far behind", "Range: bytes=99999999999999999999999999999999-", "416" },
        { "14.1.2", "the last zero bytes cannot be satisfied", "Range: bytes=-0", "416" },
        { "15.5.17", "none of several can be satisfied", "Range: bytes={n}-,-0", "416" },

        { "15.3.7.2", "several ranges come as parts, in the order asked for", "Range: bytes=500-509,0-9", "206 500-509,0-9" },
        { "15.3.7.2", "of several ranges only the satisfiable are sent; one alone is no multipart", "Range: bytes={n}-,0-9", "206 0-9" },
        { "15.3.7.2", "first and last bytes at once", "Range: bytes=0-0,-1", "206 0-0,{n-1}-{n-1}" },
        { "17.15", "ranges that together ask for more than there is get the whole", "Range: bytes=0-,0-,0-", "200" },
        { "17.15", "confetti gets the whole", $"Range: bytes={string.Join(',', Enumerable.Range(0, 40).Select(i => $"{2 * i}-{2 * i}"))}", "200" },
        { "17.15", "many ranges that touch are joined", "Range: bytes=0-9,10-19,20-29,30-39,40-49", "206 0-49" },

        { "13.1.1", "If-Match with the current tag: goes on", "If-Match: {etag}", "200" },
        { "13.1.1", "If-Match with a range: how VLC seeks", "If-Match: {etag}\nRange: bytes=500-", "206 500-{n-1}" },
        { "13.1.1", "with another tag: 412", "If-Match: \"another\"", "412" },
        { "13.1.1", "before the range is looked at", "If-Match: \"another\"\nRange: bytes={n}-", "412" },
        { "13.1.1", "compared strongly: a weak tag does not match", "If-Match: W/{etag}", "412" },
        { "13.1.1", "any of a list", "If-Match: \"another\", {etag}", "200" },
        { "5.3", "several lines are one list", "If-Match: \"another\"\nIf-Match: {etag}", "200" },
        { "13.1.1", "the star matches what exists", "If-Match: *", "200" },
        { "13.1.1", "HEAD is judged too", "HEAD\nIf-Match: \"another\"", "412" },
        { "13.1.2", "If-None-Match with the current tag: 304", "If-None-Match: {etag}", "304" },
        { "13.1.2", "compared weakly", "If-None-Match: W/{etag}", "304" },
        { "13.1.2", "with another tag: the representation", "If-None-Match: \"another\"", "200" },
        { "13.1.2", "any of a list", "If-None-Match: \"another\", W/{etag}", "304" },
        { "13.1.2", "the star", "If-None-Match: *", "304" },
        { "13.1.2", "HEAD gets 304 too", "HEAD\nIf-None-Match: {etag}", "304" },
        { "13.1.3", "If-Modified-Since with the very date: 304", "If-Modified-Since: {date}", "304" },
        { "13.1.3", "with a later date: 304", "If-Modified-Since: {date+1}", "304" },
        { "13.1.3", "with an earlier date: the representation", "If-Modified-Since: {date-1}", "200" },
        { "13.1.3", "ignored beside If-None-Match", "If-None-Match: \"another\"\nIf-Modified-Since: {date}", "200" },
        { "13.1.3", "ignored when it is no date", "If-Modified-Since: soon", "200" },
        { "13.1.4", "If-Unmodified-Since with the very date: goes on", "If-Unmodified-Since: {date}\nRange: bytes=0-9", "206 0-9" },
        { "13.1.4", "with an earlier date: 412", "If-Unmodified-Since: {date-1}", "412" },
        { "13.1.4", "ignored beside If-Match", "If-Match: {etag}\nIf-Unmodified-Since: {date-1}", "200" },
        { "13.1.4", "ignored when it is no date", "If-Unmodified-Since: never", "200" },

        { "13.1.5", "If-Range with the current tag: the range", "If-Range: {etag}\nRange: bytes=0-9", "206 0-9" },
        { "13.1.5", "with another tag: the whole", "If-Range: \"another\"\nRange: bytes=0-9", "200" },
        { "13.1.5", "compared strongly: a weak tag gets the whole", "If-Range: W/{etag}\nRange: bytes=0-9", "200" },
        { "13.1.5", "with the exact date, which is a strong validator: the range", "If-Range: {date}\nRange: bytes=0-9", "206 0-9" },
        { "13.1.5", "with a later date: the whole, for the date has to match exactly", "If-Range: {date+1}\nRange: bytes=0-9", "200" },
        { "13.1.5", "with an earlier date: the whole", "If-Range: {date-1}\nRange: bytes=0-9", "200" },
        { "13.1.5", "a stale validator turns 416 into the whole", "If-Range: \"another\"\nRange: bytes={n}-", "200" },
        { "14.2", "a current validator leaves an unsatisfiable range unsatisfiable", "If-Range: {etag}\nRange: bytes={n}-", "416" },
        { "13.1.5", "ignored without Range", "If-Range: \"another\"", "200" },

        { "13.2.2", "If-Match comes before If-None-Match", "If-Match: \"another\"\nIf-None-Match: {etag}", "412" },
        { "13.2.2", "If-Unmodified-Since comes before If-None-Match", "If-Unmodified-Since: {date-1}\nIf-None-Match: {etag}", "412" },
        { "13.2.2", "If-None-Match comes before the range", "If-None-Match: {etag}\nRange: bytes={n}-", "304" },
        { "13.2.2", "If-Modified-Since comes before the range", "If-Modified-Since: {date}\nRange: bytes=0-9", "304" },
        { "13.2.2", "all that is asked holds: the range", "If-Match: {etag}\nIf-None-Match: \"another\"\nIf-Range: {etag}\nRange: bytes=0-9", "206 0-9" },
    };

    public static TheoryData<string, string, string, string> OfAnEmptyMovie => new()
    {
        { "9.3.1", "the whole of nothing", "", "200" },
        { "9.3.2", "HEAD", "HEAD", "200" },
        { "15.5.17", "no byte can be had of nothing", "Range: bytes=0-", "416" },
        { "15.5.17", "not the first either", "Range: bytes=0-0", "416" },
        { "14.1.2", "the last bytes of nothing are nothing, which no Content-Range can say: ignored", "Range: bytes=-1", "200" },
        { "13.1.2", "it has a tag", "If-None-Match: {etag}", "304" },
    };
}
