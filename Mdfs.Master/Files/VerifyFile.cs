using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;

namespace Mdfs.Master.Files;

/// <summary>
/// Re-reads every copy of a movie on its node and compares it with the catalog. Verifications of one version share one run, and few run at
/// once (design, section 8): re-reading is the dearest thing that an anonymous reader can ask for.
/// </summary>
public sealed class VerifyFile(NodeRegistry registry, WorkerClient workers)
{
    /// <summary>Versions that are re-read at the same time.</summary>
    public const int MaxRuns = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<MovieVersion, Task<IReadOnlyList<VerifyFacts>>> _runs = [];

    /// <summary>The verdict of each node that is said to hold it; null when too many movies are being verified already.</summary>
    public async Task<IReadOnlyList<VerifyFacts>?> RunAsync(CatalogEntry entry, CancellationToken cancellationToken)
    {
        Task<IReadOnlyList<VerifyFacts>>? run;
        lock (_gate)
        {
            if (!_runs.TryGetValue(entry.Version, out run))
            {
                if (_runs.Count >= MaxRuns) return null;
                // On a thread of its own, so that it cannot end before it stands in the table.
                _runs[entry.Version] = run = Task.Run(() => ReadAllAsync(entry), CancellationToken.None);
            }
        }

        return await run.WaitAsync(cancellationToken);
    }

    // Not bound to one client's patience: others may have joined the run.
    private async Task<IReadOnlyList<VerifyFacts>> ReadAllAsync(CatalogEntry entry)
    {
        try
        {
            var view = registry.View;
            var nodes = registry.Replicas.HoldersOf(entry.Version).Select(holder => holder.Node)
                .Concat(registry.Replicas.HoldersOf(entry.Version).IsEmpty ? entry.Hint : [])
                .Distinct().Select(view.Find).OfType<NodeView>().ToList();
            return await Task.WhenAll(nodes.Select(async node =>
            {
                var answer = await workers.VerifyAsync(node, entry.Version, entry.Size, CancellationToken.None);
                if (!answer.Succeeded) return new VerifyFacts(node.Address, "ERROR", false);
                return new VerifyFacts(node.Address, answer.Value.Checksum.ToString(), answer.Value.Valid && answer.Value.Checksum == entry.Checksum);
            }));
        }
        finally
        {
            lock (_gate) _runs.Remove(entry.Version);
        }
    }
}
