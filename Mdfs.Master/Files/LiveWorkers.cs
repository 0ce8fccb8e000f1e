using Mdfs.Gateway.Sources;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Files;

/// <summary>The same question to every live worker.</summary>
internal static class LiveWorkers
{
    /// <summary>Who does not answer is left out: what it has is not to be had now.</summary>
    public static async Task<IReadOnlyList<(NodeView Node, T Answer)>> AskAllAsync<T>(this NodeRegistry registry, Func<WorkerAddress, Task<NodeAnswer<T>>> ask)
        where T : class
    {
        var nodes = registry.View.Nodes.Where(node => node.Alive).ToList();
        var answers = await Task.WhenAll(nodes.Select(node => ask(NodeView.AddressOf(node))));
        return [.. nodes.Zip(answers).Where(pair => pair.Second.Succeeded).Select(pair => (pair.First, pair.Second.Value!))];
    }
}
