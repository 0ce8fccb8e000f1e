using System.Globalization;
using Mdfs.Protocol.Names;

namespace Mdfs.Master.Events;

/// <summary>
/// What has happened, in memory: noting costs a lock and a record, waits for nothing and cannot fail, so that it may stand right behind a commit.
/// <see cref="ActivityKeeper"/> carries it to Redis later.
/// </summary>
public sealed class ActivityLog(TimeProvider time, IHttpContextAccessor? requests = null)
{
    /// <summary>Entries kept, here and in Redis: about 3 MB.</summary>
    public const int MaxEntries = 10_000;

    private const int Slack = 1_000;

    private readonly Lock _gate = new();
    private readonly List<ActivityEntry> _entries = [];
    private readonly Queue<ActivityEntry> _unsaved = new();
    private readonly Dictionary<string, ActivityTally> _tallies = [];
    private long _last;

    /// <summary>The actor is the client of the request under way, unless one is given.</summary>
    public void Note(string kind, FileName? name = null, string? node = null, string? actor = null, string? detail = null, long? size = null) =>
        Append(new ActivityEntry("", time.GetUtcNow(), kind, name?.Value, node, actor ?? Caller, detail, size));

    /// <summary>Like <see cref="Note"/>, for what may happen to thousands of movies at once: told together after a few seconds.</summary>
    public void Tally(string kind, FileName? name, string? node, long size, string? detail = null)
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            if (!_tallies.TryGetValue(kind, out var tally)) _tallies[kind] = tally = new ActivityTally(kind, now);
            tally.Add(name?.Value, node, Caller, detail, size, now);
        }
    }

    /// <summary>Turns what was tallied into entries, where it is over.</summary>
    /// <param name="all">The master stops: also what is not.</param>
    public void CloseTallies(bool all = false)
    {
        List<ActivityTally> over;
        lock (_gate)
        {
            over = [.. _tallies.Where(pair => all || pair.Value.IsOver(time)).Select(pair => pair.Key).ToList().Select(kind => _tallies.Remove(kind, out var tally) ? tally : null!)];
        }

        foreach (var tally in over) Append(tally.Close(time.GetUtcNow()));
    }

    /// <param name="before">Only entries older than this one; null: from the newest.</param>
    /// <param name="kinds">Only these; empty: all.</param>
    public ActivityPage Page(int limit, long? before, IReadOnlyCollection<string> kinds)
    {
        var items = new List<ActivityEntry>(limit);
        lock (_gate)
        {
            for (var i = _entries.Count - 1; i >= 0; i--)
            {
                var entry = _entries[i];
                if (before is { } bound && Number(entry) >= bound) continue;
                if (kinds.Count > 0 && !kinds.Contains(entry.Kind)) continue;
                if (items.Count == limit) return new ActivityPage(items, items[^1].Id);
                items.Add(entry);
            }
        }

        return new ActivityPage(items, null);
    }

    /// <summary>The oldest entries that Redis does not have yet.</summary>
    public IReadOnlyList<ActivityEntry> Unsaved(int most)
    {
        lock (_gate) return [.. _unsaved.Take(most)];
    }

    public void Saved(IReadOnlyList<ActivityEntry> entries)
    {
        lock (_gate)
        {
            // Some may have been pushed out meanwhile, by newer ones.
            foreach (var entry in entries)
            {
                if (_unsaved.TryPeek(out var first) && first == entry) _unsaved.Dequeue();
            }
        }
    }

    /// <summary>Takes over what a master before this one has noted.</summary>
    public void Recall(IEnumerable<ActivityEntry> kept)
    {
        lock (_gate)
        {
            var all = kept.Where(static entry => long.TryParse(entry.Id, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Concat(_entries).DistinctBy(static entry => entry.Id).OrderBy(Number).TakeLast(MaxEntries).ToList();
            _entries.Clear();
            _entries.AddRange(all);
            if (all.Count > 0) _last = Math.Max(_last, Number(all[^1]));
        }
    }

    /// <summary>Redis went back, or came back empty: everything is written again.</summary>
    public void SaveAgain()
    {
        lock (_gate)
        {
            _unsaved.Clear();
            foreach (var entry in _entries.TakeLast(MaxEntries)) _unsaved.Enqueue(entry);
        }
    }

    private string? Caller => requests?.HttpContext?.Connection.RemoteIpAddress is { } address
        ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
        : null;

    private void Append(ActivityEntry entry)
    {
        lock (_gate)
        {
            // Numbers rise even when the clock does not.
            _last = Math.Max(_last + 1, (entry.At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            entry = entry with { Id = _last.ToString(CultureInfo.InvariantCulture) };
            _entries.Add(entry);
            if (_entries.Count > MaxEntries + Slack) _entries.RemoveRange(0, Slack);
            _unsaved.Enqueue(entry);
            if (_unsaved.Count > MaxEntries) _unsaved.Dequeue();
        }
    }

    private static long Number(ActivityEntry entry) => long.Parse(entry.Id, CultureInfo.InvariantCulture);
}
