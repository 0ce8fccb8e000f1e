namespace Mdfs.Protocol.Checksums;

/// <summary>
/// CRC-32 of a whole from the CRC-32s of its parts: crc(A‖B) = crc(A)·x^(8·|B|) + crc(B) in GF(2)[x] modulo the polynomial. On a worker the parts are
/// those of blocks, whose checksums are needed anyway, so that bytes are hashed once and not twice; on the master they are the pieces of a resumable upload.
/// </summary>
public static class ChecksumJoin
{
    private const uint Polynomial = 0xEDB88320;

    // The length of nearly every part: that of which a worker keeps a checksum.
    private const int PartSize = 16 * 1024;

    private static readonly uint FullPart = Shift(PartSize);

    /// <param name="length">Length in bytes of what <paramref name="tail"/> covers.</param>
    public static Checksum Append(Checksum head, Checksum tail, long length) =>
        new(Multiply(length == PartSize ? FullPart : Shift(length), head.Value) ^ tail.Value);

    // x^(8·length): square and multiply. The highest bit is the coefficient of x^0, as everywhere in the reflected CRC-32.
    internal static uint Shift(long length)
    {
        var result = 1u << 31;
        var power = 1u << 30;
        for (var bits = length * 8; bits > 0; bits >>= 1)
        {
            if ((bits & 1) != 0) result = Multiply(power, result);
            power = Multiply(power, power);
        }

        return result;
    }

    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (var bit = 1u << 31; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }
}
