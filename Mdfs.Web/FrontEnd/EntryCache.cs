using System.Collections.Concurrent;
using Mdfs.Protocol.Wire;

namespace Mdfs.Web.FrontEnd;

/// <summary>An entry as the master told it.</summary>
/// <param name="Tag">By which the master says that it still stands.</param>
internal sealed record KnownEntry(string Tag, MovieEntry Entry);

/// <summary>
/// What the master has told of movies. Never answered from without asking: a movie may be deleted or get another version at any moment, and who was told that it was must not be shown
/// the old one by any front end. What is saved is saying it again.
/// </summary>
internal sealed class EntryCache
{
    /// <summary>Movies that are remembered; some 8 MiB. The one that was told longest ago goes first.</summary>
    public const int MostKept = 8192;

    private readonly ConcurrentDictionary<string, KnownEntry> _entries = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    /// <param name="name">As the client wrote it.</param>
    public KnownEntry? Find(string name) => _entries.GetValueOrDefault(name);

    public void Set(string name, KnownEntry entry)
    {
        if (!_entries.TryAdd(name, entry))
        {
            _entries[name] = entry;
            return;
        }

        _order.Enqueue(name);
        while (_order.Count > MostKept && _order.TryDequeue(out var oldest)) _entries.TryRemove(oldest, out _);
    }
}
