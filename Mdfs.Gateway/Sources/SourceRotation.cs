using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway.Sources;

/// <summary>
/// Which replica is asked next: the one asked least in this copy, of those the soundest (reachable a moment ago, then whole), of those the one with the
/// fewest streams in flight, of those the first of the list.
/// Each is asked twice at most, the second time when all others had their turn; once a good piece has been delivered all may be asked again, so that
/// a long movie outlives several restarts. It ends all the same: every such piece brings the copy forward.
/// </summary>
public sealed class SourceRotation(SourceList candidates, StreamCounter streams, RecentTrouble trouble, SourcePaces paces)
{
    /// <summary>Delivered bytes after which former failures no longer count.</summary>
    public const long GoodPiece = 4 * 1024 * 1024;

    /// <summary>A source is left for one that has lately been so many times as fast.</summary>
    public const double FarBelow = 8;

    /// <summary>Bytes per second below which a source is left for one of which nothing is known: no movie plays at that.</summary>
    public const double Hopeless = 128 * 1024;

    private const int MostTimes = 2;

    private readonly Dictionary<NodeId, int> _asked = [];
    private NodeId _current;
    private bool _begun;

    /// <returns>Null when no candidate is left.</returns>
    public async ValueTask<SourceTurn?> NextAsync(CancellationToken cancellation)
    {
        var all = await candidates(fresh: _begun, cancellation);
        _begun = true;
        if (Best(all, id => _asked.GetValueOrDefault(id), streams, trouble) is not { } turn) return null;
        _current = turn.Source.Worker.Id;
        _asked[_current] = _asked.GetValueOrDefault(_current) + 1;
        return turn;
    }

    /// <summary>Whom to ask first; null: nobody.</summary>
    public static ReplicaCandidate? First(IReadOnlyList<ReplicaCandidate> all, StreamCounter streams, RecentTrouble trouble) => Best(all, static _ => 0, streams, trouble)?.Source;

    /// <summary>Before the first turn: this one was asked already, and has failed.</summary>
    public void HasFailed(NodeId node, long delivered, bool mayPass)
    {
        (_begun, _current) = (true, node);
        _asked[node] = 1;
        Failed(delivered, mayPass);
    }

    /// <summary>The current source ended before its time.</summary>
    /// <param name="delivered">Bytes that it had brought in this turn.</param>
    /// <param name="mayPass">Whether asking it again makes sense at all.</param>
    public void Failed(long delivered, bool mayPass)
    {
        if (delivered >= GoodPiece)
        {
            _asked.Clear();
            _asked[_current] = 1;
        }
        if (!mayPass) _asked[_current] = MostTimes;
    }

    /// <summary>The current source was given back because the reader paused: that is no turn of anybody's.</summary>
    public void GivenBack() => _asked[_current]--;

    /// <summary>
    /// Whether the reader, who is waiting, would do better elsewhere. Never said twice of the same sources: each has its turns, and where nobody is better the slow
    /// one is kept, since slow is better than nothing.
    /// </summary>
    /// <param name="rate">What the current source brings, in bytes per second of waiting.</param>
    public async ValueTask<bool> IsWorthLeavingAsync(double rate, CancellationToken cancellation) =>
        IsWorthLeaving(await candidates(fresh: false, cancellation), _current, rate, id => _asked.GetValueOrDefault(id) < MostTimes, trouble, paces);

    /// <summary>The same for one that was asked first.</summary>
    public static bool IsWorthLeaving(IReadOnlyList<ReplicaCandidate> all, NodeId current, double rate, RecentTrouble trouble, SourcePaces paces) =>
        IsWorthLeaving(all, current, rate, static _ => true, trouble, paces);

    private static bool IsWorthLeaving(IReadOnlyList<ReplicaCandidate> all, NodeId current, double rate, Func<NodeId, bool> mayBeAsked, RecentTrouble trouble, SourcePaces paces)
    {
        foreach (var candidate in all)
        {
            var id = candidate.Worker.Id;
            if (id == current || candidate.Damaged || trouble.Has(id) || !mayBeAsked(id)) continue;
            if (paces.Of(id) is { } known ? known >= rate * FarBelow : rate < Hopeless) return true;
        }

        return false;
    }

    private static SourceTurn? Best(IReadOnlyList<ReplicaCandidate> all, Func<NodeId, int> timesAsked, StreamCounter streams, RecentTrouble trouble)
    {
        SourceTurn? next = null;
        (int, bool, bool, int) best = default;
        foreach (var candidate in all)
        {
            var id = candidate.Worker.Id;
            var asked = timesAsked(id);
            var rank = (asked, trouble.Has(id), candidate.Damaged, streams.OnNode(id));
            if (asked >= MostTimes || (next is not null && rank.CompareTo(best) >= 0)) continue;
            (best, next) = (rank, new SourceTurn(candidate, asked > 0));
        }

        return next;
    }
}

/// <summary>Who is asked next.</summary>
/// <param name="Again">Whether it has failed before.</param>
public readonly record struct SourceTurn(ReplicaCandidate Source, bool Again);
