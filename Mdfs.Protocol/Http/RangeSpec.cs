using System.Buffers;
using System.Globalization;

namespace Mdfs.Protocol.Http;

/// <summary>One element of a Range header as written: <c>first-last</c>, <c>first-</c> or <c>-suffix</c> (RFC 9110, 14.1.2).</summary>
internal readonly struct RangeSpec
{
    // Not ContainsAnyExceptInRange, which was measured to allocate 96 bytes at every call.
    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789");

    private readonly long _first; // -1: a suffix range
    private readonly long _last;  // of a suffix range: its length

    private RangeSpec(long first, long last) => (_first, _last) = (first, last);

    /// <summary>Whether this asks for some bytes at the end, however many there are; satisfiable even when there is none.</summary>
    public bool IsSuffixOfAnything => _first < 0 && _last > 0;

    /// <summary><see langword="false"/> for what the grammar does not know, and for a last position below the first.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out RangeSpec spec)
    {
        spec = default;
        var dash = text.IndexOf('-');
        if (dash < 0)
            return false;

        var left = text[..dash];
        var right = text[(dash + 1)..];
        if (!IsDigits(left) || !IsDigits(right) || (left.IsEmpty && right.IsEmpty))
            return false;

        if (left.IsEmpty)
        {
            spec = new RangeSpec(-1, Saturated(right));
            return true;
        }

        // Compared as text: two numbers that are both beyond 64 bits still have an order.
        if (!right.IsEmpty && Compare(left, right) > 0)
            return false;

        spec = new RangeSpec(Saturated(left), right.IsEmpty ? long.MaxValue : Saturated(right));
        return true;
    }

    /// <summary>The bytes meant in a representation of <paramref name="length"/> bytes; <see langword="false"/> when there are none.</summary>
    public bool TryResolve(long length, out ByteRange range)
    {
        var first = _first < 0 ? length - Math.Min(_last, length) : _first;
        var last = _first < 0 ? length - 1 : Math.Min(_last, length - 1);
        range = new ByteRange(first, last);
        return first < length;
    }

    private static bool IsDigits(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(_digits);

    private static int Compare(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        left = left.TrimStart('0');
        right = right.TrimStart('0');
        return left.Length != right.Length ? left.Length - right.Length : left.SequenceCompareTo(right);
    }

    /// <summary>The number, or <see cref="long.MaxValue"/> for anything above: no movie reaches that far, so nothing is lost.</summary>
    private static long Saturated(ReadOnlySpan<char> digits)
    {
        digits = digits.TrimStart('0');
        if (digits.IsEmpty)
            return 0;

        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
    }
}
