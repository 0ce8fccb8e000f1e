using Mdfs.Protocol.Checksums;

namespace Mdfs.Protocol.Wire;

/// <summary>A worker's word that a piece of a resumable upload is fsynced there.</summary>
/// <param name="Offset">Bytes from the beginning that are durable.</param>
/// <param name="Checksum">CRC-32 of these bytes, as this worker computed it.</param>
public sealed record AppendReceipt(NodeId Node, UploadId Upload, long Offset, Checksum Checksum);

/// <summary>What a worker has of a resumable upload.</summary>
/// <param name="Length">Bytes that lie there; perhaps more than were ever acknowledged to the client.</param>
/// <param name="Acknowledged">The highest offset of which a master has told this life of the worker that it was acknowledged.</param>
/// <param name="Checksum">CRC-32 of the acknowledged bytes.</param>
/// <param name="Prepared">All bytes are there and the upload was completed: it waits to be sealed.</param>
public sealed record AppendState(NodeId Node, UploadId Upload, long Length, long Acknowledged, Checksum Checksum, bool Prepared);

/// <summary>No further piece comes: the worker prepares the upload, and answers with a <see cref="PreparedReceipt"/>. Completing twice is the same as once.</summary>
/// <param name="Checksum">CRC-32 of the whole, as the master has it; bytes that do not agree are refused.</param>
public sealed record CompleteUpload(long Size, Checksum Checksum);

/// <summary>
/// Put an opened upload together from parts, each a resumable upload of its own: from those that lie here, and from other nodes those that do not. Answered with a
/// <see cref="PreparedReceipt"/>; what an interrupted attempt had is written anew.
/// </summary>
/// <param name="Checksum">CRC-32 of the whole, as the master has combined it.</param>
public sealed record JoinUpload(long Size, Checksum Checksum, IReadOnlyList<UploadPart> Parts);

/// <param name="Checksum">CRC-32 of the part.</param>
/// <param name="Sources">Nodes that have it.</param>
public sealed record UploadPart(UploadId Upload, long Size, Checksum Checksum, IReadOnlyList<PullSource> Sources);

/// <summary>A resumable upload whose last byte has not come, as its worker reports it.</summary>
/// <param name="IdleSeconds">Seconds since its last piece, in cluster age as the worker heard it.</param>
public sealed record UnfinishedReport(UploadId Upload, long Length, double IdleSeconds);
