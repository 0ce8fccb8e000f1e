using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Transfer;

/// <summary>How an upload's bytes fared, and so who is to blame.</summary>
public enum FanOutOutcome
{
    /// <summary>All bytes came in, and at least one worker has them prepared.</summary>
    Completed,

    /// <summary>The client went away or broke its body off.</summary>
    ClientFailed,

    /// <summary>The client sent nothing for the idle time-out while the workers were ready to take more.</summary>
    ClientTooSlow,

    /// <summary>The body is longer than announced.</summary>
    TooLarge,

    /// <summary>The body is longer than the server takes. It breaks off there, and what it had read ahead is not handed over: <see cref="FanOutResult.Size"/> may be far below the limit.</summary>
    BeyondLimit,

    /// <summary>The body ended before the announced length.</summary>
    ShortBody,

    /// <summary>No worker is left that takes the bytes.</summary>
    AllTargetsFailed,
}

/// <summary>The end of a fan-out. Unless it is <see cref="FanOutOutcome.Completed"/> nothing was prepared, or it is dropped again.</summary>
/// <param name="Size">Bytes that came in.</param>
/// <param name="Checksum">Of these bytes, computed by the master in passing.</param>
/// <param name="Sha256">32 bytes, when it was asked for and the body came in whole.</param>
/// <param name="Receipts">Of the workers that agree with the master on size and checksum.</param>
public sealed record FanOutResult(
    FanOutOutcome Outcome,
    long Size,
    Checksum Checksum,
    ReadOnlyMemory<byte>? Sha256,
    IReadOnlyList<PreparedReceipt> Receipts,
    IReadOnlyList<DroppedTarget> Dropped)
{
    /// <summary>No worker had room for all of it (507), as opposed to workers that failed (502).</summary>
    public bool AllFull => Outcome == FanOutOutcome.AllTargetsFailed && Dropped.Count > 0 && Dropped.All(target => target.IsFull);
}
