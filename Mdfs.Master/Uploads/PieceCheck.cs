using System.Buffers.Binary;
using System.Security.Cryptography;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Master.Uploads;

/// <summary>What a client says of the bytes of one request (tus 1.0, checksum), computed while they pass.</summary>
public sealed class PieceCheck : IDisposable
{
    /// <summary>For <c>Tus-Checksum-Algorithm</c>.</summary>
    public const string Algorithms = "sha1,sha256,crc32";

    private readonly Dictionary<string, IncrementalHash> _hashes = [];
    private readonly RunningChecksum _crc = new();
    private readonly Func<string?>? _trailer;
    private string _algorithm = "";
    private byte[] _expected = [];

    private PieceCheck(Func<string?>? trailer) => _trailer = trailer;

    /// <summary>Reads the header. What is wrong with it is said by <paramref name="unknown"/>, an algorithm, or is just malformed.</summary>
    public static PieceCheck? Parse(string header, out string? unknown)
    {
        var check = new PieceCheck(null);
        if (!check.TryRead(header, out unknown)) return null;
        check.Prepare(check._algorithm);
        return check;
    }

    /// <summary>The checksum comes behind the body, so that its algorithm is not known before: all are computed.</summary>
    public static PieceCheck FromTrailer(Func<string?> trailer)
    {
        var check = new PieceCheck(trailer);
        foreach (var algorithm in Algorithms.Split(',')) check.Prepare(algorithm);
        return check;
    }

    public void Add(ReadOnlyMemory<byte> bytes)
    {
        foreach (var hash in _hashes.Values) hash.AppendData(bytes.Span);
        _crc.Append(bytes.Span);
    }

    /// <summary>Asked once, when all bytes have passed.</summary>
    public bool Agrees()
    {
        if (_trailer is not null && !(_trailer() is { } header && TryRead(header, out _))) return false;
        return CryptographicOperations.FixedTimeEquals(Actual(), _expected);
    }

    public void Dispose()
    {
        foreach (var hash in _hashes.Values) hash.Dispose();
    }

    private byte[] Actual()
    {
        if (_hashes.TryGetValue(_algorithm, out var hash)) return hash.GetHashAndReset();
        // The usual order, as in the hex digits; System.IO.Hashing writes it the other way round.
        var crc = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(crc, _crc.Current.Value);
        return crc;
    }

    private bool TryRead(string header, out string? unknown)
    {
        unknown = null;
        if (header.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var algorithm, var value]) return false;
        if (!Algorithms.Split(',').Contains(algorithm))
        {
            unknown = algorithm;
            return false;
        }

        var expected = new byte[value.Length];
        if (!Convert.TryFromBase64String(value, expected, out var length) || length != Size(algorithm)) return false;
        (_algorithm, _expected) = (algorithm, expected[..length]);
        return true;
    }

    private void Prepare(string algorithm)
    {
        if (algorithm == "sha1") _hashes[algorithm] = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        if (algorithm == "sha256") _hashes[algorithm] = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    private static int Size(string algorithm) => algorithm switch { "sha1" => SHA1.HashSizeInBytes, "sha256" => SHA256.HashSizeInBytes, _ => 4 };
}
