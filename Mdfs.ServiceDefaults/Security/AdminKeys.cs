using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Compares keys in fixed time: both sides are hashed first, so that neither length nor first difference shows in the clock. Counts
/// nothing; who is refused for trying too often is <see cref="KeyGuard"/>'s business.
/// </summary>
public sealed partial class AdminKeys
{
    // A key of this many characters is nobody's; hashing a megabyte for an anonymous client would be a gift.
    private const int LongestKey = 1024;

    // Null where a worker was given none: then no key is right.
    private readonly byte[]? _admin;
    private readonly byte[]? _reader;

    public AdminKeys(IOptions<AdminKeyOptions> options, ILogger<AdminKeys> logger)
    {
        var keys = options.Value;
        _admin = keys.AdminKey is { } admin ? Hash(admin) : null;
        _reader = keys.ReaderKey is { } reader ? Hash(reader) : null;
        if (keys.AdminKey == AdminKeyOptions.DevelopmentKey) LogDevelopmentKey(logger);
    }

    /// <summary>Whether reading needs no key.</summary>
    public bool ReadingIsOpen => _reader is null;

    /// <summary>Whether this is the admin key. For form fields and other places that only the caller can read.</summary>
    public bool Verify(string? key) => Matches(key, _admin);

    /// <summary>Whether this is the reader key or the admin key.</summary>
    public bool VerifyReader(string? key)
    {
        // Both are compared always: which of the two it was does not show in the clock either.
        var admin = Matches(key, _admin);
        return Matches(key, _reader) | admin;
    }

    private static bool Matches(string? key, byte[]? expected) =>
        expected is not null && key is { Length: > 0 and <= LongestKey } && CryptographicOperations.FixedTimeEquals(Hash(key), expected);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The admin key is the well-known default of the Development environment. Set Mdfs:AdminKey before anybody else can reach this machine.")]
    private static partial void LogDevelopmentKey(ILogger logger);
}
