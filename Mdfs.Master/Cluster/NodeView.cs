using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>One node as it was at one moment; never changes.</summary>
/// <param name="RingKey">What its virtual nodes are hashed from: its configured name, else its address (design, section 3).</param>
/// <param name="Alive">Beat within the node time-out; only live nodes are on the ring.</param>
/// <param name="Draining">Its copies are read and copied from, but not counted, and it gets no new ones.</param>
/// <param name="ClosedForWrites">Why it takes no new copies, or null.</param>
/// <param name="Pending">Bytes that the master has promised to this node since its last beat, which cannot know of them.</param>
/// <param name="Failed">Why its copies do not count although it beats, or null. They are read while they can be.</param>
/// <param name="DrainPaused">It is on its way out, and its copies are not made elsewhere for the time being.</param>
/// <param name="DrainBytesPerSecond">That all copies of its drain may take together; 0: it is not on its way out, or without a limit.</param>
/// <param name="Expected">Said goodbye less than a node time-out ago, or is away and in maintenance: its copies are not read, and nobody makes them anew yet.</param>
public sealed record NodeView(
    NodeId Id,
    string RingKey,
    string Address,
    string? PublicUrl,
    string? Zone,
    NodeSpace Space,
    bool Alive,
    bool Draining,
    string? ClosedForWrites,
    long Pending,
    bool Expected = false,
    string? Failed = null,
    bool DrainPaused = false,
    long DrainBytesPerSecond = 0)
{
    /// <summary>What it holds is there.</summary>
    public bool HasItsCopies => Alive && Failed is null;

    /// <summary>What it holds counts.</summary>
    public bool Counts => HasItsCopies && !Draining;

    /// <summary>Its copies do not count, and yet nobody makes them anew at present: it is expected back, or its drain waits.</summary>
    public bool IsWaitedFor => Draining ? DrainPaused && HasItsCopies : Expected;

    /// <summary>New copies may go to it, if it has room.</summary>
    public bool TakesCopies => Alive && !Draining && ClosedForWrites is null;

    /// <summary>Bytes held or promised.</summary>
    public long Load => Space.Used + Space.InFlight + Pending;

    public static implicit operator WorkerAddress(NodeView node) => AddressOf(node);

    public static WorkerAddress AddressOf(NodeView node) => new(node.Id, node.Address);
}
