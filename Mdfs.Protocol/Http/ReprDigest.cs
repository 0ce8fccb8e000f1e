using System.Diagnostics.CodeAnalysis;

namespace Mdfs.Protocol.Http;

/// <summary>What a <c>Repr-Digest</c> or <c>Content-Digest</c> header says of the SHA-256 of a movie.</summary>
public abstract record ReprDigest
{
    private const string Sha256Key = "sha-256";
    private const int Sha256Length = 32;

    private ReprDigest()
    {
    }

    /// <summary>No header, or one that names only other algorithms, which a recipient passes over (RFC 9530, 2).</summary>
    public sealed record None : ReprDigest
    {
        public static readonly None Instance = new();

        private None()
        {
        }
    }

    /// <summary>The header cannot be read: better refused than an upload stored unchecked.</summary>
    /// <param name="Why">A sentence for the client.</param>
    public sealed record Malformed(string Why) : ReprDigest;

    /// <summary>The 32 bytes expected.</summary>
    public sealed record Sha256(ReadOnlyMemory<byte> Hash) : ReprDigest;

    /// <summary>
    /// Reads the header's value, a dictionary of byte sequences (RFC 9530, 2 and 3; RFC 9651, 3.2). <see langword="null"/> for a header that was
    /// not sent; several lines are joined with a comma. Of a key that comes twice the last one counts.
    /// </summary>
    public static ReprDigest Parse(string? field)
    {
        if (field is null)
            return None.Instance;

        ReprDigest result = None.Instance;
        var members = new DigestMembers(field);
        while (members.TryNext(out var key, out var base64))
        {
            if (!key.SequenceEqual(Sha256Key))
                continue;
            if (!TryDecode(base64, out var hash))
                return new Malformed("The sha-256 digest must be 32 bytes in base64 between colons.");
            result = new Sha256(hash);
        }

        return members.IsMalformed ? new Malformed("A digest header looks like sha-256=:<base64>:, with a comma between several digests.") : result;
    }

    /// <summary>Writes the value of the header, for example <c>sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:</c>.</summary>
    /// <exception cref="ArgumentException">The hash does not have 32 bytes.</exception>
    public static string Format(ReadOnlySpan<byte> sha256)
    {
        if (sha256.Length != Sha256Length)
            throw new ArgumentException("A SHA-256 has 32 bytes.", nameof(sha256));
        return $"{Sha256Key}=:{Convert.ToBase64String(sha256)}:";
    }

    private static bool TryDecode(ReadOnlySpan<char> base64, [NotNullWhen(true)] out byte[]? hash)
    {
        // Missing padding is forgiven, as RFC 9651, 4.2.7 advises; the 43 digits of 32 bytes always take one '='.
        hash = new byte[Sha256Length];
        Span<char> padded = stackalloc char[44];
        padded[^1] = '=';
        return base64.Length is 43 or 44 && base64.TryCopyTo(padded) && Convert.TryFromBase64Chars(padded, hash, out var count) && count == Sha256Length;
    }
}
