using System.Buffers.Binary;
using Mdfs.Protocol.Checksums;
using Mdfs.ServiceDefaults.Loops;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>Hands out checksums from a <c>.blocks</c> file, holding one page of 4 KiB at a time.</summary>
internal sealed class BlockSidecarReader : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly BlockLayout _layout = BlockLayout.Parts;
    private readonly byte[] _page = new byte[BlockFormat.PageSize];
    private long _loaded = -1;
    private bool _sound;

    /// <summary>Opening never fails: of a missing sidecar no checksum can be had.</summary>
    public BlockSidecarReader(string path)
    {
        try
        {
            _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            _layout = BlockLayout.Of(_file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _file = null;
        }
    }

    /// <summary>Bytes under one checksum. Positions are multiples of it.</summary>
    public int Grain => _layout.Grain;

    /// <summary>How many bytes from there on have checksums that can be had without waiting for a disk: up to the end of a page, since one is held at a time.</summary>
    public long Prepare(long from)
    {
        var first = from / Grain;
        var page = _layout.PageOf(first);
        if (page != _loaded)
        {
            if (_file is null || CachedFile.Read(_file, _page, page * BlockFormat.PageSize) != BlockFormat.PageSize)
            {
                _loaded = -1;
                return 0;
            }

            (_loaded, _sound) = (page, _layout.IsSound(_page, page));
        }

        return (_layout.PerPage - (first % _layout.PerPage)) * (long)Grain;
    }

    /// <summary>The checksum of the bytes that begin there. False: the page that should tell is damaged or missing, so nothing is known about them.</summary>
    public bool TryGet(long from, out uint checksum)
    {
        checksum = 0;
        var number = from / Grain;
        var page = _layout.PageOf(number);
        if (page != _loaded) Load(page);
        if (!_sound) return false;
        checksum = BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(_layout.SlotOf(number)));
        return true;
    }

    /// <param name="read">Bytes that were read; less than there should be where the file ends early.</param>
    public BlockRead Check(long from, ReadOnlySpan<byte> bytes, int read)
    {
        for (var start = 0; start < bytes.Length; start += Grain)
        {
            if (!TryGet(from + start, out var expected)) return new BlockRead(start, BlockFault.Sidecar);
            var end = Math.Min(start + Grain, bytes.Length);
            // A file that ends early lacks these, even where the checksum of the rest would agree.
            if (read < end || Checksum.Of(bytes[start..end]).Value != expected) return new BlockRead(start, BlockFault.Bytes);
        }

        return new BlockRead(bytes.Length, BlockFault.None);
    }

    public void Dispose() => _file?.Dispose();

    private void Load(long page)
    {
        _loaded = page;
        try
        {
            _sound = _file is not null
                && RandomAccess.Read(_file, _page, page * BlockFormat.PageSize) == BlockFormat.PageSize
                && _layout.IsSound(_page, page);
        }
        catch (IOException)
        {
            // An unreadable sector under the sidecar is the same as a rotten one.
            _sound = false;
        }
    }
}
