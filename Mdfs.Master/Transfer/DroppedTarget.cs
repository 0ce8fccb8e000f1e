using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Transfer;

/// <summary>A worker that will not hold a copy of this upload, and why.</summary>
public sealed record DroppedTarget(WorkerAddress Target, NodeFailure Reason)
{
    /// <summary>An operator must hear of it: the worker's bytes are not the bytes that were sent.</summary>
    public bool Alarm => Reason is NodeFailure.Disagreed;

    /// <summary>It has no room.</summary>
    public bool IsFull => Reason is NodeFailure.Refused { Refusal.Code: NodeRefusal.Full };
}
