using System.Buffers.Binary;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Hashes bytes as they pass, block by block, and writes their <c>.blocks</c> file. The header comes last, when size and whole checksum are known.
/// </summary>
internal sealed class BlockSidecarWriter : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly byte[] _page = new byte[BlockFormat.PageSize];
    private readonly RunningChecksum _block = new();
    private int _inBlock;
    private long _blocks;
    private Checksum _whole;

    /// <summary>Starts anew; what lay there is overwritten.</summary>
    public BlockSidecarWriter(string path)
        : this(path, FileMode.Create)
    {
    }

    private BlockSidecarWriter(string path, FileMode mode) =>
        _file = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Keeps the pages that lie there. Before anything is appended, the blocks that stay are named by <see cref="Skip"/> and <see cref="Take"/>.</summary>
    public static BlockSidecarWriter Reopen(string path) => new(path, FileMode.OpenOrCreate);

    /// <summary>Bytes hashed so far.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32 of all whole blocks so far.</summary>
    public Checksum OfBlocks => _whole;

    /// <summary>CRC-32 of all bytes so far.</summary>
    public Checksum OfAll => _inBlock == 0 ? _whole : ChecksumJoin.Append(_whole, _block.Current, _inBlock);

    /// <summary>Passes over full pages that are on the disk.</summary>
    /// <param name="blocks">How many blocks they describe.</param>
    public void Skip(long blocks)
    {
        _blocks = blocks;
        Length = blocks * BlockFormat.BlockSize;
    }

    /// <summary>A whole block that was written earlier.</summary>
    public void Take(uint checksum)
    {
        Length += BlockFormat.BlockSize;
        EndBlock(checksum, BlockFormat.BlockSize);
    }

    /// <summary>After <see cref="Skip"/>, which leaves out what was skipped: the CRC-32 of all whole blocks so far.</summary>
    public void Correct(Checksum ofBlocks) => _whole = ofBlocks;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            var part = bytes[..Math.Min(bytes.Length, BlockFormat.BlockSize - _inBlock)];
            if (_inBlock == 0 && part.Length == BlockFormat.BlockSize)
            {
                // The usual case: a whole block in one piece.
                EndBlock(Checksum.Of(part).Value, part.Length);
            }
            else
            {
                _block.Append(part);
                _inBlock += part.Length;
                if (_inBlock == BlockFormat.BlockSize) EndOpenBlock();
            }

            bytes = bytes[part.Length..];
        }
    }

    /// <summary>Writes the page that is being filled, so that a pull can go on after a restart. The writer goes on too.</summary>
    public void Checkpoint()
    {
        if (_blocks % BlockFormat.ChecksumsPerPage != 0) WritePage(BlockFormat.PageOf(_blocks));
    }

    /// <summary>Ends the last block and page and writes the header. Nothing is fsynced yet.</summary>
    /// <param name="description">What the bytes are, or null while they are only prepared.</param>
    public Checksum Complete(ReplicaDescription? description = null)
    {
        if (_inBlock > 0) EndOpenBlock();
        Checkpoint();
        // Pages of blocks that were cut off again may lie behind the last one.
        RandomAccess.SetLength(_file, BlockFormat.FileLength(Length));
        RandomAccess.Write(_file, BlockFormat.WriteHeader(new BlockHeader(Length, _whole, description)), 0);
        return _whole;
    }

    public Task FlushAsync() => Durable.FlushAsync(_file);

    public void Dispose() => _file.Dispose();

    private void EndOpenBlock()
    {
        var length = _inBlock;
        _inBlock = 0;
        EndBlock(_block.Current.Value, length);
        _block.Reset();
    }

    private void EndBlock(uint checksum, int length)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(BlockFormat.SlotOf(_blocks)), checksum);
        _whole = ChecksumJoin.Append(_whole, new Checksum(checksum), length);
        _blocks++;
        if (_blocks % BlockFormat.ChecksumsPerPage != 0) return;
        WritePage(BlockFormat.PageOf(_blocks - 1));
        Array.Clear(_page);
    }

    private void WritePage(long number)
    {
        BlockFormat.Close(_page, number);
        RandomAccess.Write(_file, _page, number * BlockFormat.PageSize);
    }
}
