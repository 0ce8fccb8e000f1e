using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Transfer;

/// <summary>
/// Which replica is asked next: the one asked least in this copy, of those the soundest (reachable a moment ago, then whole), of those the one with the
/// fewest streams in flight, of those the first of the list.
/// Each is asked twice at most, the second time when all others had their turn; once a good piece has been delivered all may be asked again, so that
/// a long movie outlives several restarts. It ends all the same: every such piece brings the copy forward.
/// </summary>
public sealed class SourceRotation(IReadOnlyList<ReplicaCandidate> candidates, StreamCounter streams, RecentTrouble trouble)
{
    /// <summary>Delivered bytes after which former failures no longer count.</summary>
    public const long GoodPiece = 4 * 1024 * 1024;

    private const int MostTimes = 2;

    private readonly int[] _asked = new int[candidates.Count];
    private int _current;

    /// <param name="again">Whether it has failed before.</param>
    /// <returns>False when no candidate is left.</returns>
    public bool TryNext(out WorkerAddress source, out bool again)
    {
        (source, again) = (default, false);
        var best = -1;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (_asked[i] < MostTimes && (best < 0 || Rank(i).CompareTo(Rank(best)) < 0)) best = i;
        }
        if (best < 0) return false;

        (source, again, _current) = (candidates[best].Worker, _asked[best] > 0, best);
        _asked[best]++;
        return true;

        (int, bool, bool, int) Rank(int i) =>
            (_asked[i], trouble.Has(candidates[i].Worker.Id), candidates[i].Damaged, streams.OnNode(candidates[i].Worker.Id));
    }

    /// <summary>The current source ended before its time.</summary>
    /// <param name="delivered">Bytes that it had brought in this turn.</param>
    /// <param name="mayPass">Whether asking it again makes sense at all.</param>
    public void Failed(long delivered, bool mayPass)
    {
        if (delivered >= GoodPiece)
        {
            Array.Clear(_asked);
            _asked[_current] = 1;
        }
        if (!mayPass) _asked[_current] = MostTimes;
    }
}
