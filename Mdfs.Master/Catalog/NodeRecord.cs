using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>What the master keeps of a node across its own restarts.</summary>
/// <param name="RingKey">What its virtual nodes are hashed from: its configured name, else its address.</param>
/// <param name="ClusterAge">The cluster age, in seconds, at which it was last heard, or up to <see cref="MostBehind"/> before.</param>
/// <param name="MaintenanceUntil">The cluster age, in seconds, up to which it may be away without anything being copied in its place.</param>
/// <param name="DrainBytesPerSecond">That all copies of its drain may take together; 0: no limit.</param>
public sealed record NodeRecord(NodeId Id, string RingKey, string? Name, string Address, string? PublicUrl, string? Zone, bool Draining, double ClusterAge, double? MaintenanceUntil = null, bool MaintenanceByAdmin = false, bool DrainPaused = false,
    long DrainBytesPerSecond = 0)
{
    /// <summary>
    /// How much older than the truth <see cref="ClusterAge"/> may be: a record is written anew when it is. Writing it with every beat would be a write per node every few seconds, and what it is read for
    /// counts in days.
    /// </summary>
    public static readonly TimeSpan MostBehind = TimeSpan.FromHours(1);
}
