using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Security;

/// <summary>Who serves what a link points to.</summary>
public enum LinkServer
{
    /// <summary>The master, under the movie's name: for playlists and copied links where reading needs a key.</summary>
    Master,

    /// <summary>Any worker that holds the version, without asking the master.</summary>
    Worker,
}

/// <summary>What a link opens.</summary>
/// <param name="Version">This version and no other: a link to what was replaced or deleted does not open its successor.</param>
/// <param name="Attachment">To be saved, not played; counts only on workers.</param>
/// <param name="Expires">Milliseconds since 1970 by the master's clock.</param>
public readonly record struct LinkClaim(LinkServer Server, FileName Name, MovieVersion Version, bool Attachment, long Expires);

public enum LinkVerdict
{
    Valid,
    Wrong,
    Expired,
}

/// <summary>
/// Signs and checks links that let whoever carries them read one version of one movie for a time (design, section 8): HMAC-SHA256 with a key of its own, so
/// that no link opens anything else. GET serves HEAD too; nothing else is ever opened by a link.
/// </summary>
public sealed class SignedLinks(ClusterKeys keys)
{
    /// <summary>Query parameters of a link, on master and workers alike.</summary>
    public const string ExpiresParameter = "expires";

    public const string SignatureParameter = "signature";

    /// <summary>The shortest life of a link: a player that was paused over night still has to be able to seek.</summary>
    public static readonly TimeSpan MinLife = TimeSpan.FromHours(24);

    private readonly KeyedHash _hash = new(keys.Links.ToArray());

    /// <summary>The part of the query that makes a link of an address.</summary>
    public string Query(in LinkClaim claim) =>
        string.Create(CultureInfo.InvariantCulture, $"{ExpiresParameter}={claim.Expires}&{SignatureParameter}={Base64Url.EncodeToString(Sign(claim))}");

    /// <summary>The claim's expiry is taken from the link itself: use this one for links that come from outside.</summary>
    /// <param name="expires">As it stands in the query.</param>
    /// <param name="now">Milliseconds since 1970 by the master's clock.</param>
    public LinkVerdict Check(LinkClaim claim, string? expires, string? signature, long now)
    {
        if (!long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var until)) return LinkVerdict.Wrong;
        if (signature is not { Length: > 0 and < 100 } || !Base64Url.IsValid(signature)) return LinkVerdict.Wrong;
        if (!CryptographicOperations.FixedTimeEquals(Sign(claim with { Expires = until }), Base64Url.DecodeFromChars(signature))) return LinkVerdict.Wrong;
        return until < now ? LinkVerdict.Expired : LinkVerdict.Valid;
    }

    // The name comes last: whatever stands in it, no other field can be made of it. It holds no control character, so no line either.
    private byte[] Sign(in LinkClaim claim) => _hash.Of(string.Create(
        CultureInfo.InvariantCulture,
        $"link/1\nGET\n{claim.Server}\n{claim.Version.Number}\n{(claim.Attachment ? "attachment" : "inline")}\n{claim.Expires}\n{claim.Name.Value}"));
}
