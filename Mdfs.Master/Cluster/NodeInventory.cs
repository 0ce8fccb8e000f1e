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
    private readonly HashSet<MovieVersion> _versions = [];

    // What it has told of a version that the index describes otherwise, by another node's word.
    private readonly Dictionary<MovieVersion, ReplicaReport> _others = [];

    // Of versions that were told of lately. All others were told of by _toldBy at the latest.
    private readonly Dictionary<MovieVersion, long> _numbers = [];
    private readonly Dictionary<MovieVersion, long> _gone = [];
    private long _toldBy;
    private long _heardBy;
    private List<ReplicaReport>? _pages;
    private long _pagesNumber;
    private int _nextPage;
    private long _absencesDroppedUpTo;
    private ulong _digest;

    /// <summary>The whole has been heard at least once: only then does silence about a replica mean anything.</summary>
    public bool Complete { get; private set; }

    /// <summary>The number of the whole that was heard last; 0: none.</summary>
    public long ToldAt { get; private set; }

    public IReadOnlyCollection<MovieVersion> Versions => _versions;

    public int Count => _versions.Count;

    /// <summary>How many of them are damaged.</summary>
    public int Damaged { get; private set; }

    public bool Contains(MovieVersion version) => _versions.Contains(version);

    public ReplicaReport? Find(MovieVersion version) => !_versions.Contains(version) ? null : _others.GetValueOrDefault(version) ?? index.ReportOf(node, version);

    /// <summary>Takes a report; false if something newer is known.</summary>
    public bool Set(ReplicaReport report, long number)
    {
        var version = report.Replica.Version;
        if (_gone.TryGetValue(version, out var goneAt) && goneAt > number) return false;
        if (Find(version) is { } known)
        {
            if (NumberOf(version) > number) return false;
            Discount(known);
        }

        _digest ^= InventoryDigest.Of(report);
        if (report.Damaged) Damaged++;
        _versions.Add(version);
        if (number > _toldBy) _numbers[version] = number;
        else _numbers.Remove(version);
        if (index.Set(node, report)) _others.Remove(version);
        else _others[version] = report;
        return true;
    }

    /// <summary>Takes the word that a replica is gone; false if something newer is known.</summary>
    public bool Remove(MovieVersion version, long number)
    {
        if (Find(version) is { } known)
        {
            if (NumberOf(version) > number) return false;
            Discount(known);
            _versions.Remove(version);
            _numbers.Remove(version);
            _others.Remove(version);
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
            // It was taken before something that is no longer remembered by its number: it would bring back what has gone, or undo what has changed.
            if (page.Number < Math.Max(_absencesDroppedUpTo, _toldBy))
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
        foreach (var version in _versions.Where(version => !present.Contains(version)).ToList()) Remove(version, page.Number);
        _versions.EnsureCapacity(present.Count);
        ForgetNumbers(page.Number);
        foreach (var report in heard) Set(report, page.Number);
        (Complete, ToldAt) = (true, page.Number);
        DropOld(page.Number);
        return heard;
    }

    /// <summary>Whether the node's count and digest, as of a beat, agree with what is known here. Says yes where a receipt is newer than the beat.</summary>
    public bool AgreesWith(Beat beat)
    {
        if (Count == beat.ReplicaCount && _digest == beat.ReplicaDigest) return true;
        return _gone.Values.Any(number => number > beat.Number) || _numbers.Values.Any(number => number > beat.Number);
    }

    /// <summary>What was said up to this number, by a beat, needs not be told apart any more from what was said before: nothing older is listened to.</summary>
    public void DropOld(long upTo)
    {
        // Pages still coming were taken at _pagesNumber: what went or changed after that must not be undone by them.
        var bound = _pages is null ? upTo : Math.Min(upTo, _pagesNumber);
        foreach (var (version, number) in _gone)
        {
            if (number > bound) continue;
            _gone.Remove(version);
            _absencesDroppedUpTo = Math.Max(_absencesDroppedUpTo, number);
        }

        // One beat later, so that an inventory which a beat has overtaken is not refused for it.
        ForgetNumbers(Math.Min(_heardBy, bound));
        _heardBy = bound;
    }

    /// <summary>Takes everything out of the index: the node has a new life, or was removed.</summary>
    public void Clear()
    {
        foreach (var version in _versions) index.Remove(node, version);
        _versions.Clear();
        _others.Clear();
        _numbers.Clear();
        _gone.Clear();
        (_absencesDroppedUpTo, _toldBy, _heardBy) = (0, 0, 0);
        _pages = null;
        _digest = 0;
        Damaged = 0;
        (Complete, ToldAt) = (false, 0);
    }

    private long NumberOf(MovieVersion version) => _numbers.GetValueOrDefault(version, _toldBy);

    private void ForgetNumbers(long upTo)
    {
        if (upTo <= _toldBy) return;
        _toldBy = upTo;
        foreach (var (version, number) in _numbers)
            if (number <= upTo) _numbers.Remove(version);
    }

    private void Discount(ReplicaReport report)
    {
        _digest ^= InventoryDigest.Of(report);
        if (report.Damaged) Damaged--;
    }
}
