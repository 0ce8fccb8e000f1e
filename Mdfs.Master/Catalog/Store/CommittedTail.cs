using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog.Store;

/// <summary>
/// The last committed changes. A change stands in Redis before it is in the catalog's memory (the workers seal in between), so when Redis
/// must be rebuilt just then, memory alone would miss it. Laid over memory in their order they give what Redis has to hold: for every name
/// they touch, its last change counts; for every other name, memory is up to date.
/// </summary>
internal sealed class CommittedTail(TimeProvider time)
{
    /// <summary>How long after its commit a change may be missing in memory. Sealing takes 5 s at most (design, section 4).</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(2);

    private readonly Queue<(long At, CatalogChange Change)> _changes = new();

    public void Add(CatalogChange change)
    {
        var now = time.GetTimestamp();
        while (_changes.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At, now) > Life) _changes.Dequeue();
        _changes.Enqueue((now, change));
    }

    /// <summary>Memory as Redis should hold it.</summary>
    public CatalogMemory Over(CatalogMemory memory)
    {
        var entries = memory.Entries.ToDictionary(entry => entry.Name);
        var tombstones = new Dictionary<FileName, Tombstone>();
        foreach (var tombstone in memory.Tombstones) Merge(tombstones, tombstone);
        var highest = memory.Highest;
        foreach (var (_, change) in _changes)
        {
            foreach (var name in change.Remove) entries.Remove(name);
            foreach (var entry in change.Put) entries[entry.Name] = entry;
            foreach (var name in change.Forget) tombstones.Remove(name);
            foreach (var tombstone in change.Bury) Merge(tombstones, tombstone);
            highest = MovieVersion.Max(highest, change.Highest);
        }

        return memory with { Entries = entries.Values, Tombstones = tombstones.Values, Highest = highest };
    }

    private static void Merge(Dictionary<FileName, Tombstone> tombstones, Tombstone told) =>
        tombstones[told.Name] = TombstoneRules.Merge(tombstones.GetValueOrDefault(told.Name), told);
}
