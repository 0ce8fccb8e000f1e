using System.Collections.Immutable;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>A movie as the master knows it: the current version of a name.</summary>
/// <param name="Hint">
/// The nodes that were to hold it when it was last written down. Only for reading right after a start, before workers have reported:
/// trim, sweep and drain count what live workers say (design, section 6).
/// </param>
public sealed record CatalogEntry(ReplicaDescription Replica, ImmutableArray<NodeId> Hint)
{
    public FileName Name => Replica.Name;

    public MovieVersion Version => Replica.Version;

    public long Size => Replica.Size;

    public Checksum Checksum => Replica.Checksum;
}
