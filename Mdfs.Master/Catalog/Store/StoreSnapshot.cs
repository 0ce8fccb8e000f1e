using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog.Store;

/// <summary>Everything Redis holds, as of one sequence number.</summary>
public sealed record StoreSnapshot
{
    public required long Epoch { get; init; }

    public required long Sequence { get; init; }

    public required IReadOnlyDictionary<FileName, CatalogEntry> Entries { get; init; }

    public required IReadOnlyDictionary<FileName, Tombstone> Tombstones { get; init; }

    public required IReadOnlyList<NodeRecord> Nodes { get; init; }

    public required string? ClusterId { get; init; }

    /// <summary>Seconds.</summary>
    public required double ClusterAge { get; init; }

    /// <summary>Not below any version or bound in this snapshot.</summary>
    public required MovieVersion Highest { get; init; }

    /// <summary>There was nothing when this master took the epoch: a new Redis, or a wiped one.</summary>
    public required bool Empty { get; init; }

    /// <summary>
    /// What Redis holds is not all: it began empty and the workers have not told all yet, or a restore was interrupted. Stands until
    /// <see cref="CatalogStore.MarkCompleteAsync"/>, over restarts. An empty one is always incomplete.
    /// </summary>
    public required bool Incomplete { get; init; }

    /// <summary>Versions with a hint of who holds them, whether or not there is an entry for it.</summary>
    public required IReadOnlySet<MovieVersion> Hinted { get; init; }

    /// <summary>Values that could not be read and were left out, each as a sentence. They stay in Redis as they are.</summary>
    public required IReadOnlyList<string> Problems { get; init; }
}
