using Mdfs.Protocol.Checksums;

namespace Mdfs.Master.Transfer;

/// <summary>
/// How far a resumable upload has come: the one small record that is kept of all its pieces, since pieces that follow one another combine.
/// </summary>
/// <param name="Offset">Bytes from the beginning.</param>
/// <param name="Checksum">CRC-32 of these bytes.</param>
public readonly record struct UploadProgress(long Offset, Checksum Checksum)
{
    public UploadProgress Append(long length, Checksum piece) => new(Offset + length, ChecksumJoin.Append(Checksum, piece, length));
}
