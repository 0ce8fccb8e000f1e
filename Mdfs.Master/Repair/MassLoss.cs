using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// When half of the nodes fall silent, a switch or a fuse is the cause and not their disks: copying the library a second time onto the other half would fill it and load it for
/// nothing. So nothing is copied until all are back, or <see cref="MasterOptions.MassLossDelay"/> is over: they come back one after the other, as they went.
/// </summary>
public sealed class MassLoss(TimeProvider time)
{
    private (long Since, string Sentence)? _now;

    /// <param name="nodeTimeout">Who has been silent for half of it counts as gone: all fall silent at once, and are given up one after the other, as their last beats came.</param>
    /// <returns>Why nothing is copied, as a sentence; null: it is.</returns>
    public string? Look(ClusterView view, IReadOnlyDictionary<NodeId, NodeActivity> activity, TimeSpan nodeTimeout, TimeSpan delay)
    {
        var known = view.Nodes.Where(node => node is { Draining: false, Expected: false }).ToList();
        var gone = known.Count(node => !node.Alive || (activity.TryGetValue(node.Id, out var heard) && heard.SinceBeat > nodeTimeout / 2));
        if (gone == 0) _now = null;
        else if (gone >= 2 && 2 * gone >= known.Count)
            _now ??= (time.GetTimestamp(), $"{gone} of {known.Count} nodes fell silent at once, as when a switch or the power fails: nothing is copied before they are back, or {delay.TotalSeconds:0} s have passed.");
        return _now is { } since && time.GetElapsedTime(since.Since) < delay ? since.Sentence : null;
    }
}
