using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

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

    private readonly KeyedHash _hash = new(keys.Nodes.ToArray());

    /// <param name="target">Path and query exactly as they stand in the request line.</param>
    /// <param name="now">Milliseconds since 1970 by the master's clock as far as the sender knows it.</param>
    /// <param name="body">The body for <see cref="NodePurpose.Control"/> and <see cref="NodePurpose.Report"/>; ignored for the others.</param>
    public string Issue(
        NodePurpose purpose, string method, string target, string sender, string receiver, long epoch, long now, ReadOnlySpan<byte> body = default) =>
        Signed(new NodeToken(purpose, sender, receiver, epoch, now + (long)MaxLife.TotalMilliseconds / 2, BindsBody(purpose) ? Hash(body) : ""), method, target);

    /// <summary>The master's word that whoever brings it may GET from this path of this worker, with any query.</summary>
    /// <param name="path">Without a query.</param>
    /// <param name="expires">Milliseconds since 1970 by the master's clock; no more than <see cref="MaxGrantLife"/> ahead.</param>
    public string Grant(string path, string receiver, long epoch, long expires) =>
        Signed(new NodeToken(NodePurpose.Window, Master, receiver, epoch, expires, ""), "GET", path);

    /// <summary>Checks all but the body, which has not been read yet: compare it with <see cref="MatchesBody"/>.</summary>
    /// <param name="purposes">Those that the route takes.</param>
    public TokenVerdict Check(string? header, ReadOnlySpan<NodePurpose> purposes, string method, string target, string receiver, long now, out NodeToken? token)
    {
        token = null;
        if (string.IsNullOrEmpty(header)) return TokenVerdict.Missing;
        Span<byte> signature = stackalloc byte[KeyedHash.Length];
        if (!TryRead(header, out var read, out var fields, signature)) return TokenVerdict.Malformed;
        // The purpose stands under the signature too, so that it can be believed.
        var query = read.Purpose == NodePurpose.Window ? target.IndexOf('?', StringComparison.Ordinal) : -1;
        Span<byte> good = stackalloc byte[KeyedHash.Length];
        Sign(fields, method, query < 0 ? target : target.AsSpan(0, query), good);
        if (!CryptographicOperations.FixedTimeEquals(good, signature)) return TokenVerdict.BadSignature;
        if (read.Receiver != receiver) return TokenVerdict.WrongReceiver;
        if (!purposes.Contains(read.Purpose)) return TokenVerdict.WrongPurpose;
        if (read.Expires < now || read.Expires > now + (long)(read.Purpose == NodePurpose.Window ? MaxGrantLife : MaxLife).TotalMilliseconds) return TokenVerdict.Expired;
        token = read;
        return TokenVerdict.Valid;
    }

    /// <summary>The same for a route that takes one purpose.</summary>
    public TokenVerdict Check(string? header, NodePurpose purpose, string method, string target, string receiver, long now, out NodeToken? token) =>
        Check(header, [purpose], method, target, receiver, now, out token);

    public static bool BindsBody(NodePurpose purpose) => purpose is NodePurpose.Control or NodePurpose.Report;

    public static bool MatchesBody(NodeToken token, ReadOnlySpan<byte> body) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(token.BodyHash), Encoding.ASCII.GetBytes(Hash(body)));

    /// <summary>Signs a reply over the nonce of the request it answers.</summary>
    public string SignReply(string nonce, ReadOnlySpan<byte> body) => Base64Url.EncodeToString(_hash.Of($"reply\n{nonce}\n{Hash(body)}"));

    public bool CheckReply(string? signature, string nonce, ReadOnlySpan<byte> body) =>
        signature is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(SignReply(nonce, body)), Encoding.UTF8.GetBytes(signature));

    private string Signed(NodeToken token, string method, string target)
    {
        // Senders and receivers are "master" or 32 hex digits, so a dot cannot stand in a field.
        var fields = string.Create(CultureInfo.InvariantCulture, $"1.{(int)token.Purpose}.{token.Sender}.{token.Receiver}.{token.Epoch}.{token.Expires}.{token.BodyHash}");
        Span<byte> signature = stackalloc byte[KeyedHash.Length];
        Sign(fields, method, target, signature);
        return $"{fields}.{Base64Url.EncodeToString(signature)}";
    }

    private void Sign(ReadOnlySpan<char> fields, string method, ReadOnlySpan<char> target, Span<byte> signature)
    {
        // Longer ones are none of ours, but are to be told so.
        Span<byte> room = stackalloc byte[1024];
        if (Utf8.TryWrite(room, CultureInfo.InvariantCulture, $"token\n{method}\n{target}\n{fields}", out var length)) _hash.Of(room[..length], signature);
        else _hash.Of(Encoding.UTF8.GetBytes($"token\n{method}\n{target}\n{fields}"), signature);
    }

    private static string Hash(ReadOnlySpan<byte> body) => Base64Url.EncodeToString(SHA256.HashData(body));

    /// <param name="fields">All that is signed.</param>
    private static bool TryRead(ReadOnlySpan<char> header, [NotNullWhen(true)] out NodeToken? token, out ReadOnlySpan<char> fields, Span<byte> signature)
    {
        token = null;
        fields = default;
        if (header.Length > 512) return false;
        Span<Range> parts = stackalloc Range[9];
        if (header.Split(parts, '.') != 8 || header[parts[0]] is not "1") return false;
        if (!int.TryParse(header[parts[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var purpose) || !Enum.IsDefined((NodePurpose)purpose)) return false;
        if (!long.TryParse(header[parts[4]], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)) return false;
        if (!long.TryParse(header[parts[5]], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)) return false;
        // What only tries to decode throws nevertheless where it meets what is no Base64, and anybody may send that.
        if (Base64Url.DecodeFromChars(header[parts[7]], signature, out _, out var count) != OperationStatus.Done || count != signature.Length) return false;
        token = new NodeToken((NodePurpose)purpose, header[parts[2]].ToString(), header[parts[3]].ToString(), epoch, expires, header[parts[6]].ToString());
        fields = header[..(parts[7].Start.Value - 1)];
        return true;
    }
}
