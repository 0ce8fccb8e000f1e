using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Files;

/// <summary>What a client says its bytes are (design, section 4): a CRC-32, a SHA-256, both or nothing.</summary>
public sealed record ExpectedContent(Checksum? Crc32, byte[]? Sha256)
{
    public static readonly ExpectedContent Anything = new(null, null);

    /// <summary>Where it is said, for whoever describes the routes that read it.</summary>
    public static IReadOnlyList<(string Name, string Description)> Headers { get; } =
    [
        ("X-Mdfs-Checksum", "The CRC-32 that the whole movie is to have, as 8 hex digits; with another one it is refused, and nothing is stored."),
        ("Repr-Digest", "sha-256=:…:, the SHA-256 that it is to have (RFC 9530); likewise."),
    ];

    public bool WantsSha256 => Sha256 is not null;

    /// <summary>From the headers <c>X-Mdfs-Checksum</c> and <c>Repr-Digest</c>, whichever way the movie comes in. Null: they can be read, or there are none.</summary>
    public static Problem? Read(HttpRequest request, out ExpectedContent expected)
    {
        expected = Anything;
        Checksum? crc = null;
        if (request.Headers.TryGetValue("X-Mdfs-Checksum", out var header))
        {
            if (!Checksum.TryParse(header.ToString().Trim(), out var value)) return FileProblems.BadParameter("X-Mdfs-Checksum must be the 8 hex digits of a CRC-32.");
            crc = value;
        }

        var digest = request.Headers.TryGetValue("Repr-Digest", out var given) ? given.ToString() : null;
        switch (ReprDigest.Parse(digest))
        {
            case ReprDigest.Malformed malformed:
                return FileProblems.BadParameter(malformed.Why);
            case ReprDigest.Sha256 sha256:
                expected = new ExpectedContent(crc, sha256.Hash.ToArray());
                return null;
            default:
                expected = new ExpectedContent(crc, null);
                return null;
        }
    }

    /// <summary>What was expected and did not come, or null when all agrees.</summary>
    public string? Mismatch(FanOutResult sent)
    {
        if (Crc32 is { } crc && crc != sent.Checksum) return $"CRC-32 {crc}";
        return Sha256 is not null && !(sent.Sha256 is { } actual && actual.Span.SequenceEqual(Sha256)) ? $"SHA-256 {Convert.ToHexStringLower(Sha256)}" : null;
    }
}
