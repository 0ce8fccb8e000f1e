using System.Buffers.Binary;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Hashes bytes as they pass, part by part, and writes their <c>.blocks</c> file. The header comes last, when size and whole checksum are known.
/// </summary>
internal sealed class BlockSidecarWriter : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly byte[] _page = new byte[BlockFormat.PageSize];
    private readonly RunningChecksum _part = new();
    private int _inPart;
    private long _parts;
    private Checksum _whole;

    /// <summary>Starts anew; what lay there is overwritten.</summary>
    public BlockSidecarWriter(string path)
        : this(path, FileMode.Create)
    {
    }

    private BlockSidecarWriter(string path, FileMode mode) =>
        _file = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Keeps the pages that lie there. Before anything is appended, the parts that stay are named by <see cref="Skip"/> and <see cref="Take"/>.</summary>
    public static BlockSidecarWriter Reopen(string path) => new(path, FileMode.OpenOrCreate);

    /// <summary>Bytes hashed so far.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32 of all whole parts so far.</summary>
    public Checksum OfParts => _whole;

    /// <summary>CRC-32 of all bytes so far.</summary>
    public Checksum OfAll => _inPart == 0 ? _whole : ChecksumJoin.Append(_whole, _part.Current, _inPart);

    /// <summary>Passes over full pages that are on the disk.</summary>
    /// <param name="parts">How many parts they describe.</param>
    public void Skip(long parts)
    {
        _parts = parts;
        Length = parts * BlockFormat.PartSize;
    }

    /// <summary>A whole part that was written earlier.</summary>
    public void Take(uint checksum)
    {
        Length += BlockFormat.PartSize;
        EndPart(checksum, BlockFormat.PartSize);
    }

    /// <summary>After <see cref="Skip"/>, which leaves out what was skipped: the CRC-32 of all whole parts so far.</summary>
    public void Correct(Checksum ofParts) => _whole = ofParts;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, BlockFormat.PartSize - _inPart)];
            if (_inPart == 0 && piece.Length == BlockFormat.PartSize)
            {
                // The usual case: a whole part in one piece.
                EndPart(Checksum.Of(piece).Value, piece.Length);
            }
            else
            {
                _part.Append(piece);
                _inPart += piece.Length;
                if (_inPart == BlockFormat.PartSize) EndOpenPart();
            }

            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>Writes the page that is being filled, so that a pull can go on after a restart. The writer goes on too.</summary>
    public void Checkpoint()
    {
        if (_parts % BlockLayout.Parts.PerPage != 0) WritePage(BlockLayout.Parts.PageOf(_parts));
    }

    /// <summary>Ends the last part and page and writes the header. Nothing is fsynced yet.</summary>
    /// <param name="description">What the bytes are, or null while they are only prepared.</param>
    public Checksum Complete(ReplicaDescription? description = null)
    {
        if (_inPart > 0) EndOpenPart();
        Checkpoint();
        // Pages of parts that were cut off again may lie behind the last one.
        RandomAccess.SetLength(_file, BlockLayout.Parts.FileLength(Length));
        RandomAccess.Write(_file, BlockFormat.WriteHeader(new BlockHeader(Length, _whole, description), BlockLayout.Parts), 0);
        return _whole;
    }

    public Task FlushAsync() => Durable.FlushAsync(_file);

    public void Dispose() => _file.Dispose();

    private void EndOpenPart()
    {
        var length = _inPart;
        _inPart = 0;
        EndPart(_part.Current.Value, length);
        _part.Reset();
    }

    private void EndPart(uint checksum, int length)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(BlockLayout.Parts.SlotOf(_parts)), checksum);
        _whole = ChecksumJoin.Append(_whole, new Checksum(checksum), length);
        _parts++;
        if (_parts % BlockLayout.Parts.PerPage != 0) return;
        WritePage(BlockLayout.Parts.PageOf(_parts - 1));
        Array.Clear(_page);
    }

    private void WritePage(long number)
    {
        BlockLayout.Parts.Close(_page, number);
        RandomAccess.Write(_file, _page, number * BlockFormat.PageSize);
    }
}
