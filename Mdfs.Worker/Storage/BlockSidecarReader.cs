using System.Buffers.Binary;
using Mdfs.ServiceDefaults.Loops;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>Hands out block checksums from a <c>.blocks</c> file, holding one page of 4 KiB at a time.</summary>
internal sealed class BlockSidecarReader : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly byte[] _page = new byte[BlockFormat.PageSize];
    private long _loaded = -1;
    private bool _sound;

    /// <summary>Opening never fails: of a missing sidecar no checksum can be had.</summary>
    public BlockSidecarReader(string path)
    {
        try
        {
            _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _file = null;
        }
    }

    /// <summary>Whether the checksums of all these blocks can be had without waiting for a disk.</summary>
    public bool TryPrepare(long first, long count)
    {
        var page = BlockFormat.PageOf(first);
        // Two pages, once in a thousand blocks: one is held at a time.
        if (page != BlockFormat.PageOf(first + count - 1)) return false;
        if (page == _loaded) return true;
        if (_file is null || CachedFile.Read(_file, _page, page * BlockFormat.PageSize) != BlockFormat.PageSize)
        {
            _loaded = -1;
            return false;
        }

        (_loaded, _sound) = (page, BlockFormat.IsSound(_page, page));
        return true;
    }

    /// <summary>False: the page that should tell is damaged or missing, so nothing is known about the block.</summary>
    public bool TryGet(long block, out uint checksum)
    {
        checksum = 0;
        var page = BlockFormat.PageOf(block);
        if (page != _loaded) Load(page);
        if (!_sound) return false;
        checksum = BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(BlockFormat.SlotOf(block)));
        return true;
    }

    public void Dispose() => _file?.Dispose();

    private void Load(long page)
    {
        _loaded = page;
        try
        {
            _sound = _file is not null
                && RandomAccess.Read(_file, _page, page * BlockFormat.PageSize) == BlockFormat.PageSize
                && BlockFormat.IsSound(_page, page);
        }
        catch (IOException)
        {
            // An unreadable sector under the sidecar is the same as a rotten one.
            _sound = false;
        }
    }
}
