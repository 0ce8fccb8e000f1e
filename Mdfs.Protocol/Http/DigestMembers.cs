using System.Buffers;

namespace Mdfs.Protocol.Http;

/// <summary>
/// Walks over a structured-field dictionary whose values are byte sequences (RFC 9651, 3.2 and 4.2.2), as the digest headers are. Parameters
/// are read past: none is defined for digests, and unknown ones do not matter.
/// </summary>
internal ref struct DigestMembers(ReadOnlySpan<char> field)
{
    private static readonly SearchValues<char> _keyStart = SearchValues.Create("abcdefghijklmnopqrstuvwxyz*");
    private static readonly SearchValues<char> _keyRest = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-.*");
    private static readonly SearchValues<char> _base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

    // Letters of the numbers, tokens, booleans and dates that a parameter may hold.
    private static readonly SearchValues<char> _bareItem =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~:/?@");

    private ReadOnlySpan<char> _rest = field.Trim(' ');

    /// <summary>Set once the walk has met something that is no such dictionary; then no member counts.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The next key with what stands between its colons; <see langword="false"/> at the end and at the first fault.</summary>
    public bool TryNext(out ReadOnlySpan<char> key, out ReadOnlySpan<char> base64)
    {
        key = default;
        base64 = default;
        if (_rest.IsEmpty || IsMalformed)
            return false;

        if (TryKey(out key) && TryTake('=') && TryBytes(out base64) && TryParameters() && TrySeparator())
            return true;

        IsMalformed = true;
        return false;
    }

    private bool TryKey(out ReadOnlySpan<char> key)
    {
        key = default;
        if (_rest.IsEmpty || !_keyStart.Contains(_rest[0]))
            return false;

        key = TakeAll(_keyRest);
        return true;
    }

    private bool TryBytes(out ReadOnlySpan<char> base64)
    {
        base64 = default;
        if (!TryTake(':'))
            return false;

        base64 = TakeAll(_base64);
        return TryTake(':');
    }

    private bool TryParameters()
    {
        while (TryTake(';'))
        {
            _rest = _rest.TrimStart(' ');
            if (!TryKey(out _) || (TryTake('=') && !TryBareItem()))
                return false;
        }

        return true;
    }

    private bool TryBareItem()
    {
        if (_rest.StartsWith(":"))
            return TryBytes(out _);
        if (_rest.StartsWith("%\""))
            _rest = _rest[1..];
        if (!TryTake('"'))
            return !TakeAll(_bareItem).IsEmpty;

        while (!_rest.IsEmpty)
        {
            if (TryTake('"'))
                return true;
            _rest = _rest[(_rest[0] == '\\' && _rest.Length > 1 ? 2 : 1)..];
        }

        return false;
    }

    /// <summary>The end, or a comma with a further member behind it.</summary>
    private bool TrySeparator()
    {
        _rest = _rest.TrimStart(" \t");
        if (_rest.IsEmpty)
            return true;
        if (!TryTake(','))
            return false;

        _rest = _rest.TrimStart(" \t");
        return !_rest.IsEmpty;
    }

    private bool TryTake(char expected)
    {
        if (_rest.IsEmpty || _rest[0] != expected)
            return false;

        _rest = _rest[1..];
        return true;
    }

    private ReadOnlySpan<char> TakeAll(SearchValues<char> allowed)
    {
        var end = _rest.IndexOfAnyExcept(allowed);
        var taken = end < 0 ? _rest : _rest[..end];
        _rest = _rest[taken.Length..];
        return taken;
    }
}
