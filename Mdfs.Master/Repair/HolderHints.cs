using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;

namespace Mdfs.Master.Repair;

/// <summary>
/// Writes down, now and then, who holds what healing has moved, so that a master that has just started knows whom to ask before workers have
/// reported. Only a hint: nothing is counted by it (design, section 6).
/// </summary>
public sealed class HolderHints
{
    private readonly NodeRegistry _registry;
    private readonly FileCatalog _catalog;
    private readonly CatalogSession _session;
    private readonly ConcurrentDictionary<MovieVersion, byte> _changed = new();

    // Versions with a hint in Redis, of this master's or of one before it: the hint goes when its movie has another version, or none.
    private readonly ConcurrentDictionary<MovieVersion, FileName> _written = new();

    // Whether any of them may be nobody's current version without having been noted: each change of the catalog notes its own, and there may be a million of them.
    private volatile bool _mayHaveGone = true;

    public HolderHints(NodeRegistry registry, FileCatalog catalog, CatalogSession session)
    {
        (_registry, _catalog, _session) = (registry, catalog, session);
        catalog.Changed += (_, before, after) =>
        {
            if (before is not null && before.Version != after?.Version && _written.ContainsKey(before.Version)) Note(before.Version);
        };
        catalog.Replaced += () => _mayHaveGone = true;
    }

    public void Note(MovieVersion version) => _changed.TryAdd(version, 0);

    /// <summary>Has the hint written anew, if there is one.</summary>
    public void NoteAgain(MovieVersion version)
    {
        if (_written.ContainsKey(version)) Note(version);
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        // What is not in the catalog yet may come.
        if (!_session.IsUncertain) NoteGone();
        var hints = _changed.Keys.Take(1000).Select(Hint).ToList();
        if (hints.Count == 0) return;
        // Before they are written: what changes meanwhile is noted once more.
        foreach (var (hint, _) in hints) _changed.TryRemove(hint.Version, out _);
        if (!await _session.SaveHoldersAsync(hints.ConvertAll(static pair => pair.Hint), cancellationToken))
        {
            foreach (var (hint, _) in hints) Note(hint.Version);
            return;
        }

        foreach (var (hint, name) in hints)
        {
            if (name is { } known && hint.Holders.Count > 0)
            {
                _written[hint.Version] = known;
                // It may have gone while it was written.
                if (_catalog.Find(known)?.Version != hint.Version) Note(hint.Version);
            }
            else
            {
                _written.TryRemove(hint.Version, out _);
            }
        }
    }

    private void NoteGone()
    {
        var hinted = _session.TakeHinted();
        if (hinted.Count > 0)
        {
            foreach (var entry in _catalog.Entries.Where(entry => hinted.Contains(entry.Version))) _written.TryAdd(entry.Version, entry.Name);
            foreach (var version in hinted.Where(version => !_written.ContainsKey(version))) Note(version);
            _mayHaveGone = true;
        }

        if (!_mayHaveGone) return;
        _mayHaveGone = false;
        foreach (var (version, name) in _written)
        {
            if (_catalog.Find(name)?.Version != version) Note(version);
        }
    }

    /// <summary>Nobody's, of what is nobody's current version.</summary>
    private (HolderHint Hint, FileName? Name) Hint(MovieVersion version)
    {
        if (_registry.Replicas.Describe(version) is not { } replica || _catalog.Find(replica.Name)?.Version != version) return (new HolderHint(version, []), null);
        return (new HolderHint(version, [.. _registry.Replicas.HoldersOf(version).Select(holder => holder.Node)]), replica.Name);
    }
}
