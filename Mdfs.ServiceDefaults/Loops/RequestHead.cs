using System.Buffers;
using System.Text;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// The head of a request, if it is as plain as can be: GET, HTTP/1.1, no body, each header on one line and well formed. Whatever else a client may say is for the server to understand, which is asked with
/// the same bytes; so nothing here has to be lenient, and nothing is read in two ways.
/// </summary>
public readonly ref struct RequestHead
{
    private static readonly SearchValues<byte> _ofNames = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"u8);
    private static readonly SearchValues<byte> _ofAddresses = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    private readonly ReadOnlySpan<byte> _headers;

    private RequestHead(ReadOnlySpan<byte> target, ReadOnlySpan<byte> headers, int length)
    {
        Target = target;
        _headers = headers;
        Length = length;
    }

    /// <summary>Path and query as sent.</summary>
    public ReadOnlySpan<byte> Target { get; }

    /// <summary>Bytes of the whole head, the empty line included.</summary>
    public int Length { get; }

    /// <summary>False: it is not as plain as that, or not all of it is there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RequestHead head)
    {
        head = default;
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0 || !bytes.StartsWith("GET /"u8)) return false;
        var lines = bytes[4..(end + 2)];
        var line = lines.IndexOf("\r\n"u8);
        var first = lines[..line];
        if (!first.EndsWith(" HTTP/1.1"u8)) return false;
        var target = first[..^9];
        // Printable ASCII without spaces; a fragment has no place in it.
        if (target.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) || target.Contains((byte)'#')) return false;
        var headers = lines[(line + 2)..];
        if (!IsPlain(headers)) return false;
        head = new RequestHead(target, headers, end + 4);
        return true;
    }

    /// <summary>A header's value; null when there is none.</summary>
    /// <param name="name">In lower case.</param>
    public string? Find(ReadOnlySpan<byte> name) => TryFind(name, out var value) ? Encoding.Latin1.GetString(value) : null;

    /// <summary>What it asks of a movie's bytes.</summary>
    public ContentRequest Content() => new()
    {
        Method = "GET",
        IfMatch = Find("if-match"u8),
        IfNoneMatch = Find("if-none-match"u8),
        IfModifiedSince = Find("if-modified-since"u8),
        IfUnmodifiedSince = Find("if-unmodified-since"u8),
        IfRange = Find("if-range"u8),
        Range = Find("range"u8),
    };

    public bool Has(ReadOnlySpan<byte> name) => TryFind(name, out _);

    private bool TryFind(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        for (var left = _headers; !left.IsEmpty;)
        {
            var line = HeaderLines.Next(ref left);
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
            {
                value = line[(name.Length + 1)..].Trim((byte)' ');
                return true;
            }
        }

        value = default;
        return false;
    }

    private static bool IsPlain(ReadOnlySpan<byte> headers)
    {
        // Names that were seen, so that none comes twice; a head with more of them is somebody else's to read.
        Span<int> seen = stackalloc int[64];
        var count = 0;
        var hosts = 0;
        for (var left = headers; !left.IsEmpty;)
        {
            var line = HeaderLines.Next(ref left);
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || count == seen.Length) return false;
            var name = line[..colon];
            if (name.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) || line[(colon + 1)..].ContainsAnyExceptInRange((byte)0x20, (byte)0x7e)) return false;
            if (IsUnusual(name)) return false;
            if (Ascii.EqualsIgnoreCase(name, "host"u8))
            {
                if (!IsHost(line[(colon + 1)..].Trim((byte)' '))) return false;
                hosts++;
            }

            var hash = Hash(name);
            if (seen[..count].Contains(hash)) return false;
            seen[count++] = hash;
        }

        return hosts == 1;
    }

    // A name or an address, with or without a port. Anything else the server refuses, or understands.
    private static bool IsHost(ReadOnlySpan<byte> host)
    {
        var end = host.IndexOfAnyExcept(_ofNames);
        if (end < 0) return !host.IsEmpty;
        if (end == 0)
        {
            if (host[0] != '[') return false;
            var length = host[1..].IndexOfAnyExcept(_ofAddresses);
            // The shortest address is two colons.
            if (length < 2 || host[length + 1] != ']') return false;
            end = length + 2;
        }

        var port = host[end..];
        return port.IsEmpty || (port.Length is >= 2 and <= 6 && port[0] == ':' && !port[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
    }

    // What gives a request a body, or its connection another meaning.
    private static bool IsUnusual(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => Ascii.EqualsIgnoreCase(name, "te"u8),
        6 => Ascii.EqualsIgnoreCase(name, "expect"u8) || Ascii.EqualsIgnoreCase(name, "origin"u8),
        7 => Ascii.EqualsIgnoreCase(name, "upgrade"u8) || Ascii.EqualsIgnoreCase(name, "trailer"u8),
        14 => Ascii.EqualsIgnoreCase(name, "content-length"u8),
        17 => Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8),
        _ => false,
    };

    // Two names with one hash are taken for the same, and left to the server.
    private static int Hash(ReadOnlySpan<byte> name)
    {
        var hash = 17;
        foreach (var letter in name) hash = (hash * 31) + (letter | 0x20);
        return hash;
    }
}
