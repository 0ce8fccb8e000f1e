using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>
/// An address under which the same bytes can be had again and again, and what its first plain answer said of them. The sentences of <see cref="RfcSentences"/> are put to
/// it; any server's address will do.
/// </summary>
/// <param name="Key">A header line that lets us in, or nothing.</param>
public sealed partial record RfcSubject(Uri Url, string Key, byte[] Bytes, string? ETag, string? LastModified)
{
    public static async Task<RfcSubject> MeetAsync(Uri url, string key, CancellationToken cancellationToken)
    {
        var answer = await RawHttp.SendAsync(url, key, cancellationToken);
        Assert.True(answer is { Status: 200, Whole: true }, $"{url} answered {answer.Status}");
        return new RfcSubject(url, key, answer.Body, answer["ETag"], answer["Last-Modified"]);
    }

    /// <summary>Puts a request and returns what is wrong with the answer; nothing, if all is well.</summary>
    /// <param name="request">Header lines with <c>{etag}</c>, <c>{date}</c>, <c>{date-1}</c>, <c>{date+1}</c> and <c>{n}</c> (the length) in them.</param>
    /// <param name="expected">A status, and for 206 the ranges: <c>206 0-9,20-29</c>.</param>
    public async Task<IReadOnlyList<string>> TryAsync(string request, string expected, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        // Whether more follows decides who answers, where loops do.
        foreach (var goesOn in (bool[])[false, true])
            faults.AddRange(Judge(await RawHttp.SendAsync(Url, $"{Filled(request)}\n{Key}", cancellationToken, goesOn), request, expected).Select(fault => goesOn ? $"{fault} (on a connection that goes on)" : fault));
        return faults;
    }

    private IReadOnlyList<string> Judge(RawAnswer answer, string request, string expected)
    {
        var wanted = Filled(expected).Split(' ');
        if (answer.Status.ToString(CultureInfo.InvariantCulture) != wanted[0]) return [$"{Url.PathAndQuery}: {answer.Status} instead of {wanted[0]}"];
        var ranges = wanted.Length < 2 ? [] : wanted[1].Split(',').Select(text => text.Split('-').Select(long.Parse).ToArray()).Select(pair => (From: pair[0], To: pair[1])).ToList();
        return [.. Faults(answer, request.StartsWith("HEAD", StringComparison.Ordinal), ranges).Select(fault => $"{Url.PathAndQuery}: {answer.Status}, {fault}")];
    }

    private IEnumerable<string> Faults(RawAnswer answer, bool head, List<(long From, long To)> ranges)
    {
        if (!answer.Whole) yield return "the body has not the length that the header says";
        if (answer["Date"] is null) yield return "no Date (RFC 9110, 6.6.1)";
        if (answer.Status is 200 or 206 && answer["Transfer-Encoding"] is not null) yield return "a transfer coding: players are told no length";
        if (answer["Content-Encoding"] is not null) yield return "encoded: ranges of it would mean something else";
        if (answer.Status is 200 or 206 or 304 && answer["ETag"] != ETag) yield return $"ETag {answer["ETag"]} instead of {ETag}";
        if (answer.Status is 200 or 206 && answer["Last-Modified"] != LastModified) yield return $"Last-Modified {answer["Last-Modified"]} instead of {LastModified}";
        if (answer["Last-Modified"] is { } modified && Time(modified) > Time(answer["Date"]!)) yield return "Last-Modified lies after Date (RFC 9110, 8.8.2.1)";
        switch (answer.Status)
        {
            case 200:
                if (answer["Content-Length"] != $"{Bytes.Length}") yield return $"Content-Length {answer["Content-Length"]} instead of {Bytes.Length}";
                if (answer["Content-Range"] is not null) yield return "a Content-Range where there is no range";
                if (answer["Accept-Ranges"] != "bytes") yield return "no Accept-Ranges";
                if (head ? answer.Body.Length > 0 : !answer.Body.AsSpan().SequenceEqual(Bytes)) yield return "wrong bytes";
                break;
            case 206 when ranges is [var one]:
                if (answer["Content-Range"] != $"bytes {one.From}-{one.To}/{Bytes.Length}") yield return $"Content-Range {answer["Content-Range"]} instead of {one.From}-{one.To}";
                if (!answer.Body.AsSpan().SequenceEqual(Slice(one))) yield return "wrong bytes";
                break;
            case 206:
                foreach (var fault in PartFaults(answer, ranges)) yield return fault;
                break;
            case 304:
                if (answer.Body.Length > 0) yield return "a body";
                if (answer["Content-Type"] is not null || answer["Content-Disposition"] is not null) yield return "metadata that the client has (RFC 9110, 15.4.5)";
                break;
            case 416:
                if (answer["Content-Range"] != $"bytes */{Bytes.Length}") yield return $"Content-Range {answer["Content-Range"]} instead of bytes */{Bytes.Length}";
                break;
        }
    }

    private IEnumerable<string> PartFaults(RawAnswer answer, List<(long From, long To)> ranges)
    {
        if (answer["Content-Range"] is not null) yield return "a Content-Range of its own beside the parts' (RFC 9110, 15.3.7.2)";
        if (Boundary().Match(answer["Content-Type"] ?? "") is not { Success: true } match)
        {
            yield return $"type {answer["Content-Type"]}";
            yield break;
        }

        var expected = new MemoryStream();
        var type = PartType().Match(Encoding.Latin1.GetString(answer.Body)) is { Success: true } first ? first.Groups[1].Value : "";
        if (type.Length == 0) yield return "parts without a type";
        foreach (var range in ranges)
        {
            expected.Write(Encoding.Latin1.GetBytes($"{(expected.Length > 0 ? "\r\n" : "")}--{match.Groups[1].Value}\r\nContent-Type: {type}\r\nContent-Range: bytes {range.From}-{range.To}/{Bytes.Length}\r\n\r\n"));
            expected.Write(Slice(range));
        }

        expected.Write(Encoding.Latin1.GetBytes($"\r\n--{match.Groups[1].Value}--\r\n"));
        if (!answer.Body.AsSpan().TrimStart("\r\n"u8).SequenceEqual(expected.ToArray())) yield return "the parts are not those asked for";
    }

    private ReadOnlySpan<byte> Slice((long From, long To) range) => Bytes.AsSpan((int)range.From, (int)(range.To - range.From + 1));

    private string Filled(string text)
    {
        text = text.Replace("{etag}", ETag, StringComparison.Ordinal);
        text = DateMark().Replace(text, mark => LastModified is null ? "" : Time(LastModified).AddSeconds(Offset(mark)).ToString("r", CultureInfo.InvariantCulture));
        return LengthMark().Replace(text, mark => (Bytes.Length + Offset(mark)).ToString(CultureInfo.InvariantCulture));
    }

    private static int Offset(Match mark) => mark.Groups[1].Success ? int.Parse(mark.Groups[1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;

    private static DateTimeOffset Time(string date) => DateTimeOffset.ParseExact(date, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    [GeneratedRegex(@"^multipart/byteranges; *boundary=""?([^"";]+)""?$")]
    private static partial Regex Boundary();

    [GeneratedRegex(@"Content-Type: ([^\r\n]+)", RegexOptions.IgnoreCase)]
    private static partial Regex PartType();

    [GeneratedRegex(@"\{date([+-]\d+)?\}")]
    private static partial Regex DateMark();

    [GeneratedRegex(@"\{n([+-]\d+)?\}")]
    private static partial Regex LengthMark();
}
