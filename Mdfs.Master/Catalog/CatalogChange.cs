using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// One transaction on the catalog: all of it stands in Redis or nothing does. Every one raises the catalog's sequence number.
/// </summary>
public sealed record CatalogChange
{
    /// <summary>Entries to write, each replacing what the name had.</summary>
    public IReadOnlyList<CatalogEntry> Put { get; init; } = [];

    /// <summary>Names whose entry goes.</summary>
    public IReadOnlyList<FileName> Remove { get; init; } = [];

    /// <summary>Tombstones to write; one per name, the higher bound wins.</summary>
    public IReadOnlyList<Tombstone> Bury { get; init; } = [];

    /// <summary>Names whose tombstone is forgotten.</summary>
    public IReadOnlyList<FileName> Forget { get; init; } = [];

    /// <summary>The highest version ever heard of, after this change.</summary>
    public required MovieVersion Highest { get; init; }
}
