using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// When half of the nodes fall silent, a switch or a fuse is the cause and not their disks: copying the library a second time onto the other half would fill it and load it for
/// nothing, so that is waited for (<see cref="MasterOptions.MassLossDelay"/>).
/// </summary>
public static class MassLoss
{
    /// <param name="nodeTimeout">Who has been silent for half of it counts as gone: all fall silent at once, and are given up one after the other, as their last beats came.</param>
    /// <returns>Null: it is not so.</returns>
    public static string? Sentence(ClusterView view, IReadOnlyDictionary<NodeId, NodeActivity> activity, TimeSpan nodeTimeout, TimeSpan delay)
    {
        var known = view.Nodes.Where(node => !node.Draining).ToList();
        var gone = known.Count(node => !node.Expected && (!node.Alive || (activity.TryGetValue(node.Id, out var heard) && heard.SinceBeat > nodeTimeout / 2)));
        return delay > TimeSpan.Zero && gone >= 2 && 2 * gone >= known.Count
            ? $"{gone} of {known.Count} nodes are silent, as when a switch or the power fails: nothing is copied in their place before {delay.TotalSeconds:0} s have passed."
            : null;
    }
}
