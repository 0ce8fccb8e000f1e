using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Protocol.Security;

/// <summary>
/// HMAC-SHA256 under one key. What was set up for the key is used again: setting it up for each message takes as long as two messages of a token's size. Safe for all threads.
/// </summary>
internal sealed class KeyedHash(byte[] key)
{
    /// <summary>Bytes of a result.</summary>
    public const int Length = HMACSHA256.HashSizeInBytes;

    private readonly ConcurrentBag<IncrementalHash> _ready = [];

    public void Of(ReadOnlySpan<byte> message, Span<byte> into)
    {
        if (!_ready.TryTake(out var hash)) hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(message);
        hash.GetHashAndReset(into);
        _ready.Add(hash);
    }

    public byte[] Of(string message)
    {
        var result = new byte[Length];
        Of(Encoding.UTF8.GetBytes(message), result);
        return result;
    }
}
