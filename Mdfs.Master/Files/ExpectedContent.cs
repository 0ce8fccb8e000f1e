using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Master.Files;

/// <summary>What a client says its bytes are (design, section 4): a CRC-32, a SHA-256, both or nothing.</summary>
public sealed record ExpectedContent(Checksum? Crc32, byte[]? Sha256)
{
    public static readonly ExpectedContent Anything = new(null, null);

    public bool WantsSha256 => Sha256 is not null;

    /// <summary>What was expected and did not come, or null when all agrees.</summary>
    public string? Mismatch(FanOutResult sent)
    {
        if (Crc32 is { } crc && crc != sent.Checksum) return $"CRC-32 {crc}";
        return Sha256 is not null && !(sent.Sha256 is { } actual && actual.Span.SequenceEqual(Sha256)) ? $"SHA-256 {Convert.ToHexStringLower(Sha256)}" : null;
    }
}
