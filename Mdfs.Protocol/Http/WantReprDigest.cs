using System.Globalization;

namespace Mdfs.Protocol.Http;

/// <summary>Reads <c>Want-Repr-Digest</c> (RFC 9530, 4): a dictionary of algorithms and preferences from 0 (not acceptable) to 10.</summary>
public static class WantReprDigest
{
    /// <summary>Whether the client would like a SHA-256. A header that is no such dictionary wishes for nothing.</summary>
    /// <param name="field">Null for a header that was not sent; several lines are joined with a comma.</param>
    public static bool Sha256(string? field)
    {
        var wanted = false;
        foreach (var text in (field ?? "").Split(','))
        {
            var member = text.AsSpan().Trim(" \t");
            var equals = member.IndexOf('=');
            if (equals <= 0) return false;
            // Parameters say nothing that is defined.
            var value = member[(equals + 1)..];
            if (value.IndexOf(';') is >= 0 and var parameters) value = value[..parameters];
            if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var preference) || preference > 10) return false;
            // Of a key that comes twice the last one counts (RFC 9651, 3.2).
            if (member[..equals].SequenceEqual("sha-256")) wanted = preference > 0;
        }

        return wanted;
    }
}
