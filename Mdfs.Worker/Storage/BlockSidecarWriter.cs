using System.Buffers.Binary;
using System.IO.Hashing;
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
    private readonly Crc32 _block = new();
    private int _inBlock;
    private long _blocks;
    private Checksum _whole;

    public BlockSidecarWriter(string path) => _file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);

    /// <summary>Bytes hashed so far.</summary>
    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            var part = bytes[..Math.Min(bytes.Length, BlockFormat.BlockSize - _inBlock)];
            if (_inBlock == 0 && part.Length == BlockFormat.BlockSize)
            {
                // The usual case: a whole block in one piece.
                EndBlock(Crc32.HashToUInt32(part), part.Length);
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
        RandomAccess.Write(_file, BlockFormat.WriteHeader(new BlockHeader(Length, _whole, description)), 0);
        return _whole;
    }

    public Task FlushAsync() => Durable.FlushAsync(_file);

    public void Dispose() => _file.Dispose();

    private void EndOpenBlock()
    {
        var length = _inBlock;
        _inBlock = 0;
        EndBlock(_block.GetCurrentHashAsUInt32(), length);
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
