using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Mdfs.Protocol.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// What the console shows the master with all that it asks: the admin key, and a proof, which takes the cluster key to make, that it is the console who asks. It shares its address with others (this machine's own, or
/// that of everybody who comes through it), and what they guess must not lock it out. The limit on guessing stays what it is: the proof opens nothing by itself, is itself beyond guessing, and never travels but
/// beside the admin key, so that whoever overhears it has that already.
/// </summary>
public sealed class ConsoleProof
{
    /// <summary>Carries the proof.</summary>
    public const string Header = "X-Mdfs-Console";

    private readonly AuthenticationHeaderValue? _key;

    // Null where there is no admin key.
    private readonly byte[]? _proof;

    public ConsoleProof(IOptions<AdminKeyOptions> options, ClusterKeys keys)
    {
        if (options.Value.AdminKey is not { } key) return;
        _key = new AuthenticationHeaderValue("Bearer", key);
        _proof = Base64Url.EncodeToUtf8(HMACSHA256.HashData(keys.Consoles, Encoding.UTF8.GetBytes(key)));
    }

    public void Show(HttpRequestHeaders headers)
    {
        headers.Authorization = _key;
        headers.Remove(Header);
        if (_proof is not null) headers.TryAddWithoutValidation(Header, Encoding.ASCII.GetString(_proof));
    }

    /// <summary>Whether the console sent this request. Says nothing of the key beside it.</summary>
    public bool IsShown(HttpContext context) =>
        _proof is not null && context.Request.Headers.TryGetValue(Header, out var shown) && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown.ToString()), _proof);
}
