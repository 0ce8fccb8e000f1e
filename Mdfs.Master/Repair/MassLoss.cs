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
    private (long Since, string Sentence)? _now;

    /// <param name="nodeTimeout">Who has been silent for half of it counts as gone: all fall silent at once, and are given up one after the other, as their last beats came.</param>
    /// <returns>Why nothing is copied, as a sentence; null: it is.</returns>
    public string? Look(ClusterView view, IReadOnlyDictionary<NodeId, NodeActivity> activity, TimeSpan nodeTimeout, TimeSpan delay)
    {
        var known = view.Nodes.Where(node => node is { Draining: false, Expected: false }).Select(node => (node.Alive, Silence: Silence(node, activity))).ToList();
        var there = known.Count(node => node.Alive && node.Silence <= nodeTimeout / 2);
        var gone = known.Count(node => (!node.Alive || node.Silence > nodeTimeout / 2) && node.Silence <= nodeTimeout + delay);
        var half = gone >= 2 && gone >= there;
        if (half)
            _now ??= (time.GetTimestamp(), $"{gone} of {gone + there} nodes fell silent at once, as when a switch or the power fails: nothing is copied before they are back, or {delay.TotalSeconds:0} s have passed.");
        else if (gone == 0 || (_now is { } before && time.GetElapsedTime(before.Since) >= delay))
            _now = null;
        return _now is { } since && time.GetElapsedTime(since.Since) < delay ? since.Sentence : null;
    }

    /// <summary>Of one that has not come since the master started it is not known for how long it has been silent before.</summary>
    private TimeSpan Silence(NodeView node, IReadOnlyDictionary<NodeId, NodeActivity> activity)
    {
        if (activity.TryGetValue(node.Id, out var heard) && heard.SinceBeat < TimeSpan.MaxValue) return heard.SinceBeat;
        return node.Alive ? TimeSpan.Zero : time.GetElapsedTime(_started);
    }
}
