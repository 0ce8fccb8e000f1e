using Mdfs.Gateway;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Files;

/// <summary>A movie of the catalog that is being read.</summary>
public sealed class CatalogMovie(CatalogEntry entry, FileCatalog catalog, MovieSources sources, MovieDigests digests, NodeRegistry registry) : IMovie
{
    private IReadOnlyList<ReplicaCandidate>? _first;

    public ReplicaDescription Replica => entry.Replica;

    public byte[]? FindDigest() => digests.Find(entry);

    public ValueTask<IReadOnlyList<ReplicaCandidate>> SourcesAsync(bool fresh, CancellationToken cancellation)
    {
        var now = sources.Of(entry);
        var first = _first ??= now;
        return ValueTask.FromResult(catalog.Find(entry.Name)?.Version == entry.Version ? now : SourceLists.Left(now, first));
    }

    public void NoteDamage() => registry.NoteDamage(entry.Version);
}
