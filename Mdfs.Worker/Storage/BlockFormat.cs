using System.Buffers.Binary;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// A <c>.blocks</c> file: pages of 4 KiB, each ending with a CRC-32 of its number and content, so that a window of any size needs one
/// page in memory and a rotten page is known as such. Page 0 is the header and carries the replica's description a second time; the others
/// hold the checksums, as <see cref="BlockLayout"/> says.
/// </summary>
internal static class BlockFormat
{
    /// <summary>What is judged, told and mended as one (design, section 2.3).</summary>
    public const int BlockSize = 64 * 1024;

    /// <summary>Bytes of a movie under one checksum, so that a range that begins or ends within a block does not have all of it read (docs/decisions/parts-of-blocks.md).</summary>
    public const int PartSize = 16 * 1024;

    public const int PageSize = 4096;

    public static long BlockCount(long size) => (size + BlockSize - 1) / BlockSize;

    /// <exception cref="ArgumentException">The description does not fit a page; no valid name comes near that.</exception>
    public static byte[] WriteHeader(BlockHeader header, BlockLayout layout)
    {
        var page = new byte[PageSize];
        var text = header.Description is null ? [] : JsonSerializer.SerializeToUtf8Bytes(header.Description, StorageJson.Default.ReplicaDescription);
        if (text.Length > PageSize - 32) throw new ArgumentException("The description of this replica is too long for its sidecar.", nameof(header));
        layout.Magic.CopyTo(page);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(8), header.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(16), header.Checksum.Value);
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(20), text.Length);
        text.CopyTo(page.AsSpan(24));
        layout.Close(page, 0);
        return page;
    }

    /// <summary>Null when the header does not agree with its own checksum.</summary>
    public static BlockHeader? ReadHeader(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            var page = new byte[PageSize];
            if (RandomAccess.Read(handle, page, 0) != PageSize || !BlockLayout.All.Any(layout => page.AsSpan().StartsWith(layout.Magic) && layout.IsSound(page, 0))) return null;
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
}

/// <summary>Page 0 of a <c>.blocks</c> file.</summary>
/// <param name="Description">Null while the bytes are only prepared.</param>
internal sealed record BlockHeader(long Size, Checksum Checksum, ReplicaDescription? Description);
