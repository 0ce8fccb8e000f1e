using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Protocol.Security;

/// <summary>
/// Issues and checks the HMAC-SHA256 tokens between nodes. A token is bound to purpose, method, path and query, sender, receiver, epoch,
/// expiry and, for control messages, the body.
/// </summary>
public sealed class NodeTokens(ClusterKeys keys)
{
    /// <summary>The header that carries it.</summary>
    public const string Header = "X-Mdfs-Node-Token";

    /// <summary>Carries the signature of a reply to a beat.</summary>
    public const string SignatureHeader = "X-Mdfs-Signature";

    /// <summary>Carries the master's clock (milliseconds) on a 401 to a worker whose own clock is off; signed like a reply.</summary>
    public const string TimeHeader = "X-Mdfs-Time";

    /// <summary>How <see cref="NodeToken.Sender"/> and <see cref="NodeToken.Receiver"/> name the master.</summary>
    public const string Master = "master";

    /// <summary>The longest life of a token.</summary>
    public static readonly TimeSpan MaxLife = TimeSpan.FromSeconds(60);

    /// <summary>The longest life of a grant. Longer than a film, also for who pauses it: all this time it can be played on from another worker although the master is away.</summary>
    public static readonly TimeSpan MaxGrantLife = TimeSpan.FromHours(12);

    /// <param name="target">Path and query exactly as they stand in the request line.</param>
    /// <param name="now">Milliseconds since 1970 by the master's clock as far as the sender knows it.</param>
    /// <param name="body">The body for <see cref="NodePurpose.Control"/> and <see cref="NodePurpose.Report"/>; ignored for the others.</param>
    public string Issue(
        NodePurpose purpose, string method, string target, string sender, string receiver, long epoch, long now, ReadOnlySpan<byte> body = default)
    {
        var token = new NodeToken(purpose, sender, receiver, epoch, now + (long)MaxLife.TotalMilliseconds / 2, BindsBody(purpose) ? Hash(body) : "");
        return $"{Fields(token)}.{Base64Url.EncodeToString(Sign(token, method, target))}";
    }

    /// <summary>The master's word that whoever brings it may GET from this path of this worker, with any query.</summary>
    /// <param name="path">Without a query.</param>
    /// <param name="expires">Milliseconds since 1970 by the master's clock; no more than <see cref="MaxGrantLife"/> ahead.</param>
    public string Grant(string path, string receiver, long epoch, long expires)
    {
        var token = new NodeToken(NodePurpose.Window, Master, receiver, epoch, expires, "");
        return $"{Fields(token)}.{Base64Url.EncodeToString(Sign(token, "GET", path))}";
    }

    /// <summary>Checks all but the body, which has not been read yet: compare it with <see cref="MatchesBody"/>.</summary>
    public TokenVerdict Check(string? header, NodePurpose purpose, string method, string target, string receiver, long now, out NodeToken? token)
    {
        token = null;
        if (string.IsNullOrEmpty(header)) return TokenVerdict.Missing;
        if (!TryRead(header, out var read, out var signature)) return TokenVerdict.Malformed;
        // The purpose stands under the signature too, so that it can be believed.
        var signed = read.Purpose == NodePurpose.Window ? target.Split('?', 2)[0] : target;
        if (!CryptographicOperations.FixedTimeEquals(Sign(read, method, signed), signature)) return TokenVerdict.BadSignature;
        if (read.Receiver != receiver) return TokenVerdict.WrongReceiver;
        if (read.Purpose != purpose) return TokenVerdict.WrongPurpose;
        if (read.Expires < now || read.Expires > now + (long)(purpose == NodePurpose.Window ? MaxGrantLife : MaxLife).TotalMilliseconds) return TokenVerdict.Expired;
        token = read;
        return TokenVerdict.Valid;
    }

    /// <summary>The same for a route that takes several purposes.</summary>
    public TokenVerdict Check(string? header, IReadOnlyList<NodePurpose> purposes, string method, string target, string receiver, long now, out NodeToken? token)
    {
        token = null;
        var verdict = TokenVerdict.Missing;
        foreach (var purpose in purposes)
        {
            verdict = Check(header, purpose, method, target, receiver, now, out token);
            if (verdict != TokenVerdict.WrongPurpose) break;
        }

        return verdict;
    }

    public static bool BindsBody(NodePurpose purpose) => purpose is NodePurpose.Control or NodePurpose.Report;

    public static bool MatchesBody(NodeToken token, ReadOnlySpan<byte> body) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(token.BodyHash), Encoding.ASCII.GetBytes(Hash(body)));

    /// <summary>Signs a reply over the nonce of the request it answers.</summary>
    public string SignReply(string nonce, ReadOnlySpan<byte> body) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(keys.Nodes, Encoding.UTF8.GetBytes($"reply\n{nonce}\n{Hash(body)}")));

    public bool CheckReply(string? signature, string nonce, ReadOnlySpan<byte> body) =>
        signature is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(SignReply(nonce, body)), Encoding.UTF8.GetBytes(signature));

    private byte[] Sign(NodeToken token, string method, string target) =>
        HMACSHA256.HashData(keys.Nodes, Encoding.UTF8.GetBytes($"token\n{method}\n{target}\n{Fields(token)}"));

    private static string Hash(ReadOnlySpan<byte> body) => Base64Url.EncodeToString(SHA256.HashData(body));

    // Senders and receivers are "master" or 32 hex digits, so a dot cannot stand in a field.
    private static string Fields(NodeToken token) =>
        string.Create(CultureInfo.InvariantCulture, $"1.{(int)token.Purpose}.{token.Sender}.{token.Receiver}.{token.Epoch}.{token.Expires}.{token.BodyHash}");

    private static bool TryRead(string header, out NodeToken token, out byte[] signature)
    {
        token = null!;
        signature = [];
        if (header.Length > 512) return false;
        var parts = header.Split('.');
        if (parts.Length != 8 || parts[0] != "1") return false;
        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var purpose) || !Enum.IsDefined((NodePurpose)purpose)) return false;
        if (!long.TryParse(parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)) return false;
        if (!long.TryParse(parts[5], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)) return false;
        if (!Base64Url.IsValid(parts[7])) return false;
        token = new NodeToken((NodePurpose)purpose, parts[2], parts[3], epoch, expires, parts[6]);
        signature = Base64Url.DecodeFromChars(parts[7]);
        return true;
    }
}
