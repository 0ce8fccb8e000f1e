using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Protocol.Security;

/// <summary>
/// One key per purpose, derived from the cluster key by HKDF (RFC 5869), so that what signs a link can never open an internal route
/// (design, section 8).
/// </summary>
public sealed class ClusterKeys
{
    /// <summary>The shortest cluster key that is accepted outside Development, in characters.</summary>
    public const int MinimumLength = 16;

    private readonly byte[] _nodes;
    private readonly byte[] _links;
    private readonly byte[] _cookies;
    private readonly byte[] _consoles;

    public ClusterKeys(string clusterKey)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(clusterKey);
        _nodes = Derive(clusterKey, "mdfs/nodes/1");
        _links = Derive(clusterKey, "mdfs/links/1");
        _cookies = Derive(clusterKey, "mdfs/cookies/1");
        _consoles = Derive(clusterKey, "mdfs/consoles/1");
    }

    /// <summary>Signs what nodes say to one another.</summary>
    public ReadOnlySpan<byte> Nodes => _nodes;

    /// <summary>Signs links that clients carry to a worker.</summary>
    public ReadOnlySpan<byte> Links => _links;

    /// <summary>Seals what the console keeps of its browsers.</summary>
    public ReadOnlySpan<byte> Cookies => _cookies;

    /// <summary>Proves to the master that the console asks.</summary>
    public ReadOnlySpan<byte> Consoles => _consoles;

    private static byte[] Derive(string clusterKey, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(clusterKey), 32, info: Encoding.UTF8.GetBytes(purpose));
}
