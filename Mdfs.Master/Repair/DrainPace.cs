using Mdfs.Master.Cluster;

namespace Mdfs.Master.Repair;

/// <summary>How fast a drain goes, where it has a limit. Only copies that are made for nothing but a drain are slowed down: who lacks one is healed as ever, on a draining node or off it.</summary>
public static class DrainPace
{
    /// <summary>Bytes per second for all copies like this one together; 0: no limit, or not the drain's alone.</summary>
    /// <param name="goal">How many copies the movie is to have.</param>
    public static long Of(ClusterView view, IReadOnlyList<HeldCopy> copies, int goal)
    {
        var (whole, limit) = (0, 0L);
        for (var at = 0; at < copies.Count; at++)
        {
            if (copies[at] is not { Damaged: false, Leaving: false } copy || view.Find(copy.Node) is not { HasItsCopies: true } node) continue;
            whole++;
            // Of two that are drained the slower: each has been promised that no more is taken for it.
            if (node.DrainBytesPerSecond > 0) limit = limit == 0 ? node.DrainBytesPerSecond : Math.Min(limit, node.DrainBytesPerSecond);
        }

        return whole >= goal ? limit : 0;
    }

    /// <summary>What is each one's of a limit over so many at once. A copy that is slower than that never ends.</summary>
    public static long OfEach(long limit, int atOnce) => limit == 0 ? 0 : Math.Max(64 << 10, limit / atOnce);
}
