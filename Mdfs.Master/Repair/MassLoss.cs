using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// When half of the nodes fall silent, a switch or a fuse is the cause and not their disks: copying the library a second time onto the other half would fill it and load it for
/// nothing. So nothing is copied until all are back, or <see cref="MasterOptions.MassLossDelay"/> is over: they come back one after the other, as they went. Who has been away for longer than that did not
/// fall silent with the others, and is not waited for with them.
/// </summary>
public sealed class MassLoss(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();
    private (long Since, HashSet<NodeId> Gone, string Sentence)? _now;

    /// <param name="nodeTimeout">Who has been silent for half of it counts as gone: all fall silent at once, and are given up one after the other, as their last beats came.</param>
    /// <returns>Why nothing is copied, as a sentence; null: it is.</returns>
    public string? Look(ClusterView view, IReadOnlyDictionary<NodeId, NodeActivity> activity, TimeSpan nodeTimeout, TimeSpan delay)
    {
        var known = view.Nodes.Where(node => node is { Draining: false, Expected: false }).Select(node => (node.Id, node.Alive, Silence: Silence(node, activity))).ToList();
        var there = known.Count(node => node.Alive && node.Silence <= nodeTimeout / 2);
        var gone = known.Where(node => (!node.Alive || node.Silence > nodeTimeout / 2) && node.Silence <= nodeTimeout + delay).Select(node => node.Id).ToHashSet();
        if (_now is { } before)
        {
            var waited = time.GetElapsedTime(before.Since);
            before.Gone.IntersectWith(gone);
            // Their last beats came a little later.
            if (waited <= nodeTimeout) before.Gone.UnionWith(gone);
            // It ends, unless half of what is there has fallen silent since: that is the next time, and overlaps with this one.
            if (gone.Count == 0 || (waited >= delay && (!IsHalf(gone.Count, there) || IsHalf(gone.Count - before.Gone.Count, there)))) _now = null;
        }

        if (IsHalf(gone.Count, there))
            _now ??= (time.GetTimestamp(), gone, $"{gone.Count} of {gone.Count + there} nodes fell silent at once, as when a switch or the power fails: nothing is copied before they are back, or {delay.TotalSeconds:0} s have passed.");
        return _now is { } since && time.GetElapsedTime(since.Since) < delay ? since.Sentence : null;
    }

    private static bool IsHalf(int gone, int there) => gone >= 2 && gone >= there;

    /// <summary>Of one that has not come since the master started it is not known for how long it has been silent before.</summary>
    private TimeSpan Silence(NodeView node, IReadOnlyDictionary<NodeId, NodeActivity> activity)
    {
        if (activity.TryGetValue(node.Id, out var heard) && heard.SinceBeat < TimeSpan.MaxValue) return heard.SinceBeat;
        return node.Alive ? TimeSpan.Zero : time.GetElapsedTime(_started);
    }
}
