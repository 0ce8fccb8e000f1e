using System.Buffers.Binary;
using System.IO.Hashing;

namespace Mdfs.Protocol.Wire;

/// <summary>
/// A digest of a set of replica reports that does not depend on order and can be kept up to date by adding and removing single members:
/// the XOR of one 64-bit hash each. It finds accidents, not attacks; the channel itself is authenticated.
/// </summary>
public static class InventoryDigest
{
    /// <summary>The member's part: fold it in when the report appears and out when it goes.</summary>
    public static ulong Of(ReplicaReport report)
    {
        Span<byte> fields = stackalloc byte[8 + 8 + 4 + 1];
        BinaryPrimitives.WriteInt64LittleEndian(fields, report.Replica.Version.Number);
        BinaryPrimitives.WriteInt64LittleEndian(fields[8..], report.Replica.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[16..], report.Replica.Checksum.Value);
        fields[20] = (byte)((report.Damaged ? 1 : 0) | (report.Verified ? 2 : 0));
        return XxHash3.HashToUInt64(fields);
    }
}
