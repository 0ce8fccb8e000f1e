using System.Buffers.Text;
using System.Text;

namespace Mdfs.ServiceDefaults.Bytes;

internal enum WindowVerdict
{
    /// <summary>Not all of it is there.</summary>
    Incomplete,

    /// <summary>200, with exactly the length that was asked for.</summary>
    Window,

    /// <summary>Another status.</summary>
    Other,

    /// <summary>200, but not with that length.</summary>
    Wrong,
}

/// <summary>The head of an answer to a request for a window.</summary>
/// <param name="Length">Bytes of it, the empty line included.</param>
/// <param name="Lasts">Whether another window may be asked for on this connection.</param>
internal readonly record struct WindowHead(WindowVerdict Verdict, int Length, bool Lasts)
{
    public static WindowHead Read(ReadOnlySpan<byte> bytes, long expected)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0) return default;
        if (!bytes.StartsWith("HTTP/1.1 200"u8)) return new WindowHead(WindowVerdict.Other, end + 4, false);
        return new WindowHead(IsPlain(bytes[..(end + 2)], expected, out var lasts) ? WindowVerdict.Window : WindowVerdict.Wrong, end + 4, lasts);
    }

    private static bool IsPlain(ReadOnlySpan<byte> header, long expected, out bool lasts)
    {
        // The status.
        HeaderLines.Next(ref header);
        lasts = true;
        var found = false;
        while (!header.IsEmpty)
        {
            var line = HeaderLines.Next(ref header);
            var colon = line.IndexOf((byte)':');
            if (colon <= 0) return false;
            var name = line[..colon];
            var value = line[(colon + 1)..].Trim((byte)' ');
            if (Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8)) return false;
            if (Ascii.EqualsIgnoreCase(name, "Connection"u8) && Ascii.EqualsIgnoreCase(value, "close"u8)) lasts = false;
            if (!Ascii.EqualsIgnoreCase(name, "Content-Length"u8)) continue;
            if (found || !Utf8Parser.TryParse(value, out long said, out var used) || used != value.Length || said != expected) return false;
            found = true;
        }

        return found;
    }
}
