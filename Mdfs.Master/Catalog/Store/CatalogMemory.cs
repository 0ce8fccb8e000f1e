using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog.Store;

/// <summary>All that a master knows and Redis should hold: what is written back when Redis was wiped or went back.</summary>
/// <param name="Highest">The highest version ever heard of.</param>
/// <param name="ClusterAge">Seconds.</param>
public sealed record CatalogMemory(
    IReadOnlyCollection<CatalogEntry> Entries,
    IReadOnlyCollection<Tombstone> Tombstones,
    IReadOnlyCollection<NodeRecord> Nodes,
    string? ClusterId,
    MovieVersion Highest,
    double ClusterAge);

/// <summary>Redis was found wiped or older, and the master's memory was written back into it.</summary>
/// <param name="Reason">How it was noticed, as half a sentence for an operator.</param>
/// <param name="Took">How long the writing took.</param>
public sealed record RestoreReport(string Reason, int Entries, int Tombstones, int Nodes, TimeSpan Took);
