using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// What one life of a node has said that it holds. Everything it says carries a number drawn under the node's own lock, so that what
/// arrives late can be told from what is new: an inventory taken before a receipt says nothing about that replica (design, section 6).
/// Not safe for concurrent use; the registry's lock guards it.
/// </summary>
public sealed class NodeInventory(NodeId node, ReplicaIndex index)
{
    private readonly Dictionary<MovieVersion, Reported> _replicas = [];
    private readonly Dictionary<MovieVersion, long> _gone = [];
    private List<ReplicaReport>? _pages;
    private long _pagesNumber;
    private int _nextPage;
    private long _absencesDroppedUpTo;
    private ulong _digest;

    /// <summary>The whole has been heard at least once: only then does silence about a replica mean anything.</summary>
    public bool Complete { get; private set; }

    /// <summary>The number of the whole that was heard last; 0: none.</summary>
    public long ToldAt { get; private set; }

    public int Count => _replicas.Count;

    /// <summary>How many of them are damaged.</summary>
    public int Damaged { get; private set; }

    public IEnumerable<ReplicaReport> Reports => _replicas.Values.Select(reported => reported.Report);

    public ReplicaReport? Find(MovieVersion version) => _replicas.TryGetValue(version, out var reported) ? reported.Report : null;

    /// <summary>Takes a report; false if something newer is known.</summary>
    public bool Set(ReplicaReport report, long number)
    {
        var version = report.Replica.Version;
        if (_gone.TryGetValue(version, out var goneAt) && goneAt > number) return false;
        if (_replicas.TryGetValue(version, out var known))
        {
            if (known.Number > number) return false;
            _digest ^= InventoryDigest.Of(known.Report);
            if (known.Report.Damaged) Damaged--;
        }

        _digest ^= InventoryDigest.Of(report);
        if (report.Damaged) Damaged++;
        _replicas[version] = new Reported(report, number);
        index.Set(node, report);
        return true;
    }

    /// <summary>Takes the word that a replica is gone; false if something newer is known.</summary>
    public bool Remove(MovieVersion version, long number)
    {
        if (_replicas.TryGetValue(version, out var known))
        {
            if (known.Number > number) return false;
            _digest ^= InventoryDigest.Of(known.Report);
            if (known.Report.Damaged) Damaged--;
            _replicas.Remove(version);
            index.Remove(node, version);
        }

        _gone[version] = Math.Max(number, _gone.GetValueOrDefault(version));
        return true;
    }

    /// <summary>Takes one page; null: out of order, start again. The versions whose reports changed, once the last page is in; empty before.</summary>
    public IReadOnlyList<ReplicaReport>? TakePage(InventoryPage page)
    {
        if (page.Page == 0)
        {
            // It was taken before something went that is no longer remembered to have gone: it would bring that back.
            if (page.Number < _absencesDroppedUpTo)
            {
                _pages = null;
                return null;
            }

            _pages = [];
            _pagesNumber = page.Number;
            _nextPage = 0;
        }

        if (_pages is null || page.Number != _pagesNumber || page.Page != _nextPage)
        {
            _pages = null;
            return null;
        }

        _nextPage++;
        _pages.AddRange(page.Replicas);
        if (!page.Last) return [];

        var heard = _pages;
        _pages = null;
        var present = heard.Select(report => report.Replica.Version).ToHashSet();
        foreach (var version in _replicas.Keys.Where(version => !present.Contains(version)).ToList()) Remove(version, page.Number);
        foreach (var report in heard) Set(report, page.Number);
        (Complete, ToldAt) = (true, page.Number);
        DropOldAbsences(page.Number);
        return heard;
    }

    /// <summary>Whether the node's count and digest, as of a beat, agree with what is known here. Says yes where a receipt is newer than the beat.</summary>
    public bool AgreesWith(Beat beat)
    {
        if (_replicas.Count == beat.ReplicaCount && _digest == beat.ReplicaDigest) return true;
        return _gone.Values.Any(number => number > beat.Number) || _replicas.Values.Any(reported => reported.Number > beat.Number);
    }

    public void DropOldAbsences(long upTo)
    {
        if (_gone.Count == 0) return;
        // Pages still coming were taken at _pagesNumber: what went after that must not come back with them.
        var bound = _pages is null ? upTo : Math.Min(upTo, _pagesNumber);
        foreach (var (version, number) in _gone)
        {
            if (number > bound) continue;
            _gone.Remove(version);
            _absencesDroppedUpTo = Math.Max(_absencesDroppedUpTo, number);
        }
    }

    /// <summary>Takes everything out of the index: the node has a new life, or was removed.</summary>
    public void Clear()
    {
        foreach (var version in _replicas.Keys) index.Remove(node, version);
        _replicas.Clear();
        _gone.Clear();
        _absencesDroppedUpTo = 0;
        _pages = null;
        _digest = 0;
        Damaged = 0;
        (Complete, ToldAt) = (false, 0);
    }

    private readonly record struct Reported(ReplicaReport Report, long Number);
}
