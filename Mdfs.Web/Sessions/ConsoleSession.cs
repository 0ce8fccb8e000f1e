using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Mdfs.Web.Sessions;

/// <summary>Somebody who has signed in. The id itself stands only in his browser's cookie.</summary>
/// <param name="Handle">SHA-256 of the id, as hex: the name that Redis and this process know.</param>
/// <param name="Token">What requests from his pages carry in <see cref="SessionCookie.AntiforgeryHeader"/>; nobody without the cookie can make it.</param>
public sealed record ConsoleSession(string Handle, string Token, DateTimeOffset CreatedAt, string? Address)
{
    /// <summary>Written by the compiler this would show the token.</summary>
    public override string ToString() => $"session of {Address}";

    public static string NewId() => WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));

    public static string HandleOf(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));

    public static string TokenOf(string id) =>
        WebEncoders.Base64UrlEncode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(id), "mdfs/console/antiforgery/1"u8));

    /// <summary>Whether a request carries this session's token; compared in fixed time.</summary>
    public bool Matches(string? token) =>
        token is { Length: > 0 and < 256 } && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(Token));
}
