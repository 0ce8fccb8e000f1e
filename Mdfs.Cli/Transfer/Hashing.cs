using System.Buffers;
using System.IO.Hashing;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Cli.Transfer;

internal static class Hashing
{
    private const int BufferSize = 1024 * 1024;

    /// <summary>Reads a stream to its end.</summary>
    public static async Task<Checksum> ReadAsync(Stream stream, Crc32 hash, IMeter meter, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken)) > 0)
            {
                hash.Append(buffer.AsSpan(0, count));
                meter.Add(count);
            }

            return new Checksum(hash.GetCurrentHashAsUInt32());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
