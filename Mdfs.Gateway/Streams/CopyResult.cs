using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Gateway.Streams;

/// <summary>How a window of a movie reached its reader, and so who is to blame.</summary>
public enum CopyOutcome
{
    /// <summary>Every byte was handed over.</summary>
    Completed,

    /// <summary>The reader went away; normal for players, which break off at every seek.</summary>
    ClientGone,

    /// <summary>No replica can go on. If something was sent already the connection must be aborted: a response is never silently short (design, section 2.3).</summary>
    SourcesFailed,
}

/// <param name="Sent">Bytes handed to the reader; 0 means that the response has not begun.</param>
/// <param name="Failures">In the order in which they happened.</param>
/// <param name="Source">The replica that was read last, or null.</param>
public sealed record CopyResult(CopyOutcome Outcome, long Sent, IReadOnlyList<SourceFailure> Failures, NodeId? Source)
{
    /// <summary>How often another replica went on in the middle of the body.</summary>
    public int Failovers { get; init; }
}

/// <summary>A replica that could not be read at some point.</summary>
/// <param name="At">The offset in the movie from which it could not be read, in bytes.</param>
public sealed record SourceFailure(NodeId Node, NodeFailure Reason, long At)
{
    /// <summary>The worker found a bad block: the replica needs healing.</summary>
    public bool Damaged => Reason is NodeFailure.Refused { Refusal.Code: NodeRefusal.Damaged };
}
