using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Of how many bytes each checksum of a <c>.blocks</c> file is. A page's own checksum counts the layout in, so that none is taken for one of another.
/// </summary>
internal sealed class BlockLayout
{
    private readonly byte[] _magic;
    private readonly long _salt;

    private BlockLayout(int grain, int perPage, ReadOnlySpan<byte> magic, long salt) => (Grain, PerPage, _magic, _salt) = (grain, perPage, magic.ToArray(), salt);

    /// <summary>As it is written. All checksums of a block are on one page.</summary>
    public static BlockLayout Parts { get; } = new(BlockFormat.PartSize, 1020, "MDFSBLK2"u8, (long)BlockFormat.PartSize << 32);

    /// <summary>As it was written before: still read, of replicas that have lain here since.</summary>
    public static BlockLayout Blocks { get; } = new(BlockFormat.BlockSize, 1023, "MDFSBLK1"u8, 0);

    public static IReadOnlyList<BlockLayout> All { get; } = [Parts, Blocks];

    /// <summary>Bytes under one checksum.</summary>
    public int Grain { get; }

    /// <summary>Checksums on a page.</summary>
    public int PerPage { get; }

    public ReadOnlySpan<byte> Magic => _magic;

    public long FileLength(long size)
    {
        var checksums = (size + Grain - 1) / Grain;
        return (1 + ((checksums + PerPage - 1) / PerPage)) * BlockFormat.PageSize;
    }

    /// <summary>The page that holds a checksum; the header is page 0.</summary>
    public long PageOf(long checksum) => 1 + (checksum / PerPage);

    public int SlotOf(long checksum) => (int)(checksum % PerPage) * 4;

    public void Close(Span<byte> page, long number) => BinaryPrimitives.WriteUInt32LittleEndian(page[^4..], CheckOf(page, number));

    public bool IsSound(ReadOnlySpan<byte> page, long number) =>
        page.Length == BlockFormat.PageSize && BinaryPrimitives.ReadUInt32LittleEndian(page[^4..]) == CheckOf(page, number);

    /// <summary>By the first page of checksums; where that is rotten, by what the header begins with.</summary>
    public static BlockLayout Of(SafeFileHandle file)
    {
        Span<byte> page = stackalloc byte[BlockFormat.PageSize];
        if (TryRead(file, page, BlockFormat.PageSize))
        {
            foreach (var layout in All)
            {
                if (layout.IsSound(page, 1)) return layout;
            }
        }

        return TryRead(file, page[..8], 0) && page[..8].SequenceEqual(Blocks.Magic) ? Blocks : Parts;
    }

    private static bool TryRead(SafeFileHandle file, Span<byte> into, long from)
    {
        try
        {
            return RandomAccess.Read(file, into, from) == into.Length;
        }
        catch (IOException)
        {
            // A sector that cannot be read.
            return false;
        }
    }

    private uint CheckOf(ReadOnlySpan<byte> page, long number)
    {
        Span<byte> position = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(position, _salt + number);
        var crc = new System.IO.Hashing.Crc32();
        crc.Append(position);
        crc.Append(page[..^4]);
        return crc.GetCurrentHashAsUInt32();
    }
}
