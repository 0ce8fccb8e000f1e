using System.Collections.Concurrent;
using Mdfs.Master.Cluster;

namespace Mdfs.Tests.Unit.Model;

/// <summary>The few cluster views that three nodes can give, of which one at most is overloaded, each made once.</summary>
internal static class Views
{
    private static readonly ConcurrentDictionary<int, ClusterView> Made = new();

    public static ClusterView Of(bool[] registered, bool[] alive, int overloaded)
    {
        var key = (overloaded + 1) << 6;
        for (var i = 0; i < 3; i++) key |= (registered[i] ? 1 << i : 0) | (registered[i] && alive[i] ? 8 << i : 0);
        return Made.GetOrAdd(key, _ => Nodes.View(Enumerable.Range(0, 3)
            .Where(i => registered[i])
            .Select(i => Nodes.Node(i + 1, used: (i == overloaded ? 400 : 100) * Nodes.GiB) with { Alive = alive[i] })));
    }
}
