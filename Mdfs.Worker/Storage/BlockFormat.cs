using System.Buffers.Binary;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// The layout of <c>.blocks</c>: pages of 4 KiB, each ending with a CRC-32 of its number and content, so that a window of any size needs one
/// page in memory and a rotten page is known as such. Page 0 is the header and carries the replica's description a second time; the others
/// hold the CRC-32 of 1023 blocks each.
/// </summary>
internal static class BlockFormat
{
    /// <summary>Bytes of a movie under one checksum (design, section 2.3).</summary>
    public const int BlockSize = 64 * 1024;

    public const int PageSize = 4096;

    public const int ChecksumsPerPage = (PageSize - 4) / 4;

    private static ReadOnlySpan<byte> Magic => "MDFSBLK1"u8;

    public static long BlockCount(long size) => (size + BlockSize - 1) / BlockSize;

    public static long PageCount(long size) => 1 + ((BlockCount(size) + ChecksumsPerPage - 1) / ChecksumsPerPage);

    public static long FileLength(long size) => PageCount(size) * PageSize;

    /// <summary>The page that holds a block's checksum; the header is page 0.</summary>
    public static long PageOf(long block) => 1 + (block / ChecksumsPerPage);

    public static int SlotOf(long block) => (int)(block % ChecksumsPerPage) * 4;

    public static void Close(Span<byte> page, long number) => BinaryPrimitives.WriteUInt32LittleEndian(page[^4..], CheckOf(page, number));

    public static bool IsSound(ReadOnlySpan<byte> page, long number) =>
        page.Length == PageSize && BinaryPrimitives.ReadUInt32LittleEndian(page[^4..]) == CheckOf(page, number);

    /// <exception cref="ArgumentException">The description does not fit a page; no valid name comes near that.</exception>
    public static byte[] WriteHeader(BlockHeader header)
    {
        var page = new byte[PageSize];
        var text = header.Description is null ? [] : JsonSerializer.SerializeToUtf8Bytes(header.Description, StorageJson.Default.ReplicaDescription);
        if (text.Length > PageSize - 32) throw new ArgumentException("The description of this replica is too long for its sidecar.", nameof(header));
        Magic.CopyTo(page);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(8), header.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(16), header.Checksum.Value);
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(20), text.Length);
        text.CopyTo(page.AsSpan(24));
        Close(page, 0);
        return page;
    }

    /// <summary>Null when the header does not agree with its own checksum.</summary>
    public static BlockHeader? ReadHeader(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            var page = new byte[PageSize];
            if (RandomAccess.Read(handle, page, 0) != PageSize || !IsSound(page, 0) || !page.AsSpan().StartsWith(Magic)) return null;
            var length = BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(20));
            return new BlockHeader(
                BinaryPrimitives.ReadInt64LittleEndian(page.AsSpan(8)),
                new Checksum(BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(16))),
                length == 0 ? null : JsonSerializer.Deserialize(page.AsSpan(24, length), StorageJson.Default.ReplicaDescription));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static uint CheckOf(ReadOnlySpan<byte> page, long number)
    {
        Span<byte> position = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(position, number);
        var crc = new System.IO.Hashing.Crc32();
        crc.Append(position);
        crc.Append(page[..^4]);
        return crc.GetCurrentHashAsUInt32();
    }
}

/// <summary>Page 0 of a <c>.blocks</c> file.</summary>
/// <param name="Description">Null while the bytes are only prepared.</param>
internal sealed record BlockHeader(long Size, Checksum Checksum, ReplicaDescription? Description);
