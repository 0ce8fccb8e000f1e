using System.Buffers;

namespace Mdfs.Protocol.Http;

/// <summary>
/// Comparing entity tags (RFC 9110, 8.8.3.2) with the strong tag of the current version, without allocating. A list with anything in it
/// that is not a tag matches nothing.
/// </summary>
public static class EntityTags
{
    private const string Blank = " \t";

    // etagc: visible ASCII without the quote, and everything above ASCII.
    private static readonly SearchValues<char> _neverInATag =
        SearchValues.Create([.. Enumerable.Range(0, 0x21).Select(code => (char)code), '\x7F']);

    /// <summary>If-Match: <c>*</c> or a list in which a strong tag equals ours.</summary>
    public static bool AnyMatchesStrongly(ReadOnlySpan<char> field, ReadOnlySpan<char> current) => AnyMatches(field, current, weakCounts: false);

    /// <summary>If-None-Match: <c>*</c> or a list in which a tag, weak or strong, has the same opaque part as ours.</summary>
    public static bool AnyMatchesWeakly(ReadOnlySpan<char> field, ReadOnlySpan<char> current) => AnyMatches(field, current, weakCounts: true);

    /// <summary>If-Range: exactly one tag, strong, and ours.</summary>
    public static bool IsStrongly(ReadOnlySpan<char> field, ReadOnlySpan<char> current) => field.Trim(Blank).SequenceEqual(current);

    private static bool AnyMatches(ReadOnlySpan<char> field, ReadOnlySpan<char> current, bool weakCounts)
    {
        var rest = field.Trim(Blank);
        if (rest is "*")
            return true;

        var found = false;
        while (!(rest = rest.TrimStart(" \t,")).IsEmpty)
        {
            var isWeak = rest.StartsWith("W/");
            if (isWeak)
                rest = rest[2..];
            if (!TryTake(ref rest, out var tag))
                return false;
            found |= (weakCounts || !isWeak) && tag.SequenceEqual(current);
        }

        return found;
    }

    /// <summary>Takes one quoted tag and the blanks behind it; what follows must be a comma or the end.</summary>
    private static bool TryTake(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> tag)
    {
        tag = default;
        if (rest.IsEmpty || rest[0] != '"')
            return false;

        var inner = rest[1..].IndexOf('"');
        if (inner < 0 || rest.Slice(1, inner).ContainsAny(_neverInATag))
            return false;

        tag = rest[..(inner + 2)];
        rest = rest[(inner + 2)..].TrimStart(Blank);
        return rest.IsEmpty || rest[0] == ',';
    }
}
