using System.Collections.Concurrent;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// The catalog in memory: what every read is answered from. It follows Redis, never leads it: <see cref="Apply"/> is called with what a
/// transaction has already made durable. Readers take no lock.
/// </summary>
public sealed class FileCatalog
{
    private const int Least = 31;

    private ConcurrentDictionary<FileName, CatalogEntry> _entries = new();
    private ConcurrentDictionary<FileName, Tombstone> _tombstones = new();
    private long _highest;
    private long _changes;

    /// <summary>Raised after a name got another entry, or none, with what it had before and has now. On the thread of the change, which holds the name's lock: handlers take note and return.</summary>
    public event Action<FileName, CatalogEntry?, CatalogEntry?>? Changed;

    /// <summary>Raised after everything was replaced at once.</summary>
    public event Action? Replaced;

    public int Count => _entries.Count;

    public IEnumerable<CatalogEntry> Entries => _entries.Select(pair => pair.Value);

    public IEnumerable<Tombstone> Tombstones => _tombstones.Select(pair => pair.Value);

    public int TombstoneCount => _tombstones.Count;

    /// <summary>Rises with whatever is changed: who has seen this number has seen what stands here, though no count tells of it.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>The highest version or bound ever heard of, by anyone.</summary>
    public MovieVersion Highest => new(Interlocked.Read(ref _highest));

    public CatalogEntry? Find(FileName name) => _entries.GetValueOrDefault(name);

    public Tombstone? FindTombstone(FileName name) => _tombstones.GetValueOrDefault(name);

    /// <summary>Mints a version that is above everything heard of, and remembers it, so that no two commits share one.</summary>
    public MovieVersion Mint(DateTimeOffset now)
    {
        while (true)
        {
            var highest = Highest;
            var next = VersionMint.Next(now, highest);
            if (Interlocked.CompareExchange(ref _highest, next.Number, highest.Number) == highest.Number) return next;
        }
    }

    /// <returns>Whether it is above everything heard of before.</returns>
    public bool Hear(MovieVersion version)
    {
        for (var highest = Highest; version > highest; highest = Highest)
        {
            if (Interlocked.CompareExchange(ref _highest, version.Number, highest.Number) == highest.Number) return true;
        }

        return false;
    }

    /// <summary>Takes over a change that stands in Redis. The name's lock is held by the caller.</summary>
    public void Apply(CatalogChange change)
    {
        Hear(change.Highest);
        foreach (var tombstone in change.Bury)
        {
            _tombstones.AddOrUpdate(tombstone.Name, tombstone, (_, old) => old.Bound >= tombstone.Bound ? old : tombstone);
        }

        foreach (var name in change.Remove)
        {
            if (_entries.TryRemove(name, out var before)) Changed?.Invoke(name, before, null);
        }

        foreach (var entry in change.Put)
        {
            var before = _entries.GetValueOrDefault(entry.Name);
            _entries[entry.Name] = entry;
            Changed?.Invoke(entry.Name, before, entry);
        }

        foreach (var name in change.Forget) _tombstones.TryRemove(name, out _);
        // Last: who reads the number before has the change still before him.
        Interlocked.Increment(ref _changes);
    }

    /// <summary>Forgets everything and starts from what Redis holds.</summary>
    public void Replace(IEnumerable<CatalogEntry> entries, IEnumerable<Tombstone> tombstones, MovieVersion highest)
    {
        // As large as it will be: growing to a million makes all of its links anew twenty times.
        var newEntries = new ConcurrentDictionary<FileName, CatalogEntry>(Environment.ProcessorCount, entries.TryGetNonEnumeratedCount(out var count) ? Math.Max(count, Least) : Least);
        var newTombstones = new ConcurrentDictionary<FileName, Tombstone>();
        foreach (var tombstone in tombstones)
        {
            newTombstones[tombstone.Name] = tombstone;
            Hear(tombstone.Bound);
        }

        foreach (var entry in entries)
        {
            Hear(entry.Version);
            // A master that died while it rebuilt may have left both: the tombstone is the later word.
            if (newTombstones.GetValueOrDefault(entry.Name)?.Covers(entry.Version) != true) newEntries[entry.Name] = entry;
        }

        Hear(highest);
        // At once: who reads meanwhile sees the one or the other, never neither.
        Volatile.Write(ref _tombstones, newTombstones);
        Volatile.Write(ref _entries, newEntries);
        Replaced?.Invoke();
        Interlocked.Increment(ref _changes);
    }
}
