namespace Mdfs.Protocol.Http;

/// <summary>
/// What a Range header means for a representation of a given length (RFC 9110, 14.1.2 and 14.2). What is not understood is ignored, as 14.2
/// allows; a set that asks for more than the whole, or for confetti, gets the whole instead (RFC 9110, 17.15).
/// </summary>
internal static class RangeSet
{
    /// <summary>Sets of more ranges than this are answered with the whole representation.</summary>
    internal const int MaxRanges = 32;

    /// <summary>Up to this many ranges are sent exactly as asked; more are first joined where they overlap or touch.</summary>
    internal const int MaxRangesAsAsked = 4;

    private const string Unit = "bytes=";

    public static ContentDecision Select(ReadOnlySpan<char> field, long length)
    {
        field = field.Trim(" \t");
        if (!field.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return ContentDecision.Full.Instance;

        var asked = 0;
        var covered = 0L;
        ByteRange only = default;
        List<ByteRange>? several = null;
        for (var rest = field[Unit.Length..]; !rest.IsEmpty;)
        {
            var text = TakeElement(ref rest);
            if (text.IsEmpty)
                continue;

            if (!RangeSpec.TryParse(text, out var spec) || ++asked > MaxRanges)
                return ContentDecision.Full.Instance;

            // The last bytes of nothing are nothing: satisfiable, but no Content-Range can say it, so the Range is ignored.
            if (length == 0 && spec.IsSuffixOfAnything)
                return ContentDecision.Full.Instance;

            if (!spec.TryResolve(length, out var range))
                continue;

            if (range.Length > length - covered)
                return ContentDecision.Full.Instance;

            if (covered == 0)
                only = range;
            else
                (several ??= [only]).Add(range);
            covered += range.Length;
        }

        if (asked == 0)
            return ContentDecision.Full.Instance;
        if (covered == 0)
            return ContentDecision.RangeNotSatisfiable.Instance;
        if (several is { Count: > MaxRangesAsAsked })
            several = Joined(several);
        return several is null or { Count: 1 } ? new ContentDecision.Partial(several?[0] ?? only) : new ContentDecision.MultiPartial(several);
    }

    /// <summary>The next element of the list, without the blanks around it.</summary>
    private static ReadOnlySpan<char> TakeElement(ref ReadOnlySpan<char> rest)
    {
        var comma = rest.IndexOf(',');
        var element = comma < 0 ? rest : rest[..comma];
        rest = comma < 0 ? default : rest[(comma + 1)..];
        return element.Trim(" \t");
    }

    /// <summary>
    /// Joins ranges that overlap or touch. The order asked for is kept, as 15.3.7.2 wants: a player asks first for what it needs first.
    /// Quadratic, for at most <see cref="MaxRanges"/> ranges.
    /// </summary>
    private static List<ByteRange> Joined(List<ByteRange> ranges)
    {
        var joined = new List<ByteRange>(ranges.Count);
        foreach (var range in ranges)
        {
            var grown = range;
            var place = joined.Count;
            for (var i = joined.FindIndex(grown.Touches); i >= 0; i = joined.FindIndex(grown.Touches))
            {
                grown = grown.Joined(joined[i]);
                joined.RemoveAt(i);
                place = Math.Min(place, i);
            }

            joined.Insert(place, grown);
        }

        return joined;
    }
}
