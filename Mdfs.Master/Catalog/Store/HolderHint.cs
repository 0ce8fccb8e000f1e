using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog.Store;

/// <summary>Who holds a version, as a hint for reading after the next start. No holders: the hint is removed.</summary>
public sealed record HolderHint(MovieVersion Version, IReadOnlyCollection<NodeId> Holders);
