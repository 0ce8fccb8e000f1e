using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Files;

/// <summary>
/// Re-reads every copy of a movie on its node and compares it with the catalog. Verifications of one version share one run, and few run at
/// once (design, section 8): re-reading is the dearest thing that an anonymous reader can ask for.
/// </summary>
public sealed class VerifyFile(NodeRegistry registry, WorkerClient workers, ActivityLog activity, TimeProvider time)
{
    /// <summary>Versions that are re-read at the same time.</summary>
    public const int MaxRuns = 4;

    /// <summary>Nodes are asked for their progress no more often than this, however many look at it.</summary>
    private static readonly TimeSpan _fresh = TimeSpan.FromMilliseconds(300);

    private readonly Lock _gate = new();
    private readonly Dictionary<MovieVersion, Run> _runs = [];

    /// <summary>The verdict of each node that is said to hold it; null when too many movies are being verified already.</summary>
    public async Task<IReadOnlyList<VerifyFacts>?> RunAsync(CatalogEntry entry, CancellationToken cancellationToken)
    {
        Run? run;
        lock (_gate)
        {
            if (!_runs.TryGetValue(entry.Version, out run))
            {
                if (_runs.Count >= MaxRuns) return null;
                var started = _runs[entry.Version] = run = new Run(entry.Size, Holders(entry));
                // On a thread of its own, so that it cannot end before it stands in the table.
                run.Task = Task.Run(() => ReadAllAsync(entry, started), CancellationToken.None);
            }
        }

        return await run.Task.WaitAsync(cancellationToken);
    }

    /// <summary>How far the run of this version is. A node that is silent about it counts as having read nothing yet.</summary>
    public async Task<VerifyProgressFacts> ProgressAsync(MovieVersion version, CancellationToken cancellationToken)
    {
        Run? run;
        Task<NodeProgressFacts[]> asked;
        lock (_gate)
        {
            if (!_runs.TryGetValue(version, out run)) return VerifyProgressFacts.None;
            if (run.Asked is null || (run.Asked.IsCompleted && time.GetElapsedTime(run.AskedAt) >= _fresh))
            {
                run.AskedAt = time.GetTimestamp();
                run.Asked = Task.WhenAll(run.Nodes.Select(node => AskAsync(run, node, version)));
            }

            asked = run.Asked;
        }

        var nodes = await asked.WaitAsync(cancellationToken);
        return new VerifyProgressFacts(true, nodes.Sum(node => node.BytesRead), nodes.Sum(node => node.BytesTotal), nodes);
    }

    private async Task<NodeProgressFacts> AskAsync(Run run, NodeView node, MovieVersion version)
    {
        if (!run.Verdicts.ContainsKey(node.Id) && await workers.VerifyProgressAsync(node, version, CancellationToken.None) is { Succeeded: true, Value: { } progress })
            return new NodeProgressFacts(node.RingKey, progress.Read, run.Size, null);
        // It may have ended while it was asked.
        return run.Verdicts.TryGetValue(node.Id, out var verdict)
            ? new NodeProgressFacts(node.RingKey, run.Size, run.Size, verdict.Valid)
            : new NodeProgressFacts(node.RingKey, 0, run.Size, null);
    }

    private List<NodeView> Holders(CatalogEntry entry)
    {
        var view = registry.View;
        var holders = registry.Replicas.HoldersOf(entry.Version);
        return [.. holders.Select(holder => holder.Node).Concat(holders.IsEmpty ? entry.Hint : []).Distinct().Select(view.Find).OfType<NodeView>()];
    }

    // Not bound to one client's patience: others may have joined the run.
    private async Task<IReadOnlyList<VerifyFacts>> ReadAllAsync(CatalogEntry entry, Run run)
    {
        try
        {
            var verdicts = await Task.WhenAll(run.Nodes.Select(async node =>
            {
                var answer = await workers.VerifyAsync(node, entry.Version, entry.Size, CancellationToken.None);
                return run.Verdicts[node.Id] = answer.Succeeded
                    ? new VerifyFacts(node.Address, answer.Value.Checksum.ToString(), answer.Value.Valid && answer.Value.Checksum == entry.Checksum)
                    : new VerifyFacts(node.Address, "ERROR", false);
            }));
            activity.Tally(ActivityKinds.Verified, entry.Name, null, entry.Size, $"{verdicts.Count(verdict => verdict.Valid)} of {verdicts.Length} copies are good");
            return verdicts;
        }
        finally
        {
            lock (_gate) _runs.Remove(entry.Version);
        }
    }

    private sealed class Run(long size, IReadOnlyList<NodeView> nodes)
    {
        public long Size => size;

        public IReadOnlyList<NodeView> Nodes => nodes;

        public ConcurrentDictionary<NodeId, VerifyFacts> Verdicts { get; } = new();

        public Task<IReadOnlyList<VerifyFacts>> Task { get; set; } = null!;

        /// <summary>The last round of questions for progress.</summary>
        public Task<NodeProgressFacts[]>? Asked { get; set; }

        public long AskedAt { get; set; }
    }
}
