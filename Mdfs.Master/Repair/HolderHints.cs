using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;

namespace Mdfs.Master.Repair;

/// <summary>
/// Writes down, now and then, who holds what healing has moved, so that a master that has just started knows whom to ask before workers have
/// reported. Only a hint: nothing is counted by it (design, section 6).
/// </summary>
public sealed class HolderHints(NodeRegistry registry, CatalogSession session)
{
    private readonly ConcurrentDictionary<MovieVersion, byte> _changed = new();

    // Versions with a hint of this master's: the hint goes when nobody holds the version any more.
    private readonly ConcurrentDictionary<MovieVersion, byte> _written = new();

    public void Note(MovieVersion version) => _changed.TryAdd(version, 0);

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        foreach (var version in _written.Keys.Where(version => registry.Replicas.HoldersOf(version).IsEmpty)) _changed.TryAdd(version, 0);
        var versions = _changed.Keys.Take(1000).ToList();
        if (versions.Count == 0) return;
        var hints = versions.ConvertAll(version => new HolderHint(version, [.. registry.Replicas.HoldersOf(version).Select(holder => holder.Node)]));
        await session.SaveHoldersAsync(hints, cancellationToken);
        foreach (var hint in hints)
        {
            _changed.TryRemove(hint.Version, out _);
            if (hint.Holders.Count > 0) _written.TryAdd(hint.Version, 0);
            else _written.TryRemove(hint.Version, out _);
        }
    }
}
