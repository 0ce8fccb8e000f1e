using Mdfs.Master.Cluster;

namespace Mdfs.Master.Repair;

/// <summary>How fast a drain goes, where it has a limit. Only copies that are made for nothing but a drain are slowed down: who lacks one is healed as ever, on a draining node or off it.</summary>
public static class DrainPace
{
    /// <summary>Bytes per second for all copies like this one together; 0: no limit, or not the drain's alone.</summary>
    /// <param name="goal">How many copies the movie is to have.</param>
    /// <param name="begun">It is under way already: a drain that pauses does not make it faster.</param>
    public static long Of(ClusterView view, RepairCandidate candidate, int goal, bool begun = false)
    {
        var copies = candidate.Copies;
        var (whole, limit, paused) = (0, 0L, 0L);
        for (var at = 0; at < copies.Count; at++)
        {
            // What is waited for is not copied, so it is not what this copy is made for either.
            if (copies[at] is not { Damaged: false, Leaving: false } copy || view.Find(copy.Node) is not { } node || !(node.HasItsCopies || node.IsWaitedFor)) continue;
            whole++;
            if (node.DrainPaused) paused = Slower(paused, node.DrainBytesPerSecond);
            else limit = Slower(limit, node.DrainBytesPerSecond);
        }

        foreach (var node in candidate.Expected ?? [])
        {
            var told = false;
            for (var at = 0; at < copies.Count && !told; at++) told = copies[at].Node == node;
            if (!told) whole++;
        }

        if (whole < goal) return 0;
        return limit == 0 && begun ? paused : limit;
    }

    /// <summary>Of two that are drained the slower: each has been promised that no more is taken for it.</summary>
    private static long Slower(long one, long other) => one == 0 || other == 0 ? Math.Max(one, other) : Math.Min(one, other);

    /// <summary>What is each one's of a limit over so many at once. A copy that is slower than that never ends.</summary>
    public static long OfEach(long limit, int atOnce) => limit == 0 ? 0 : Math.Max(64 << 10, limit / atOnce);
}
