using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>Removes tombstones that have outlived their retention and that no reported replica needs any more (design, section 7). Nothing waits for Redis under the registry's lock.</summary>
public sealed partial class TombstoneCleaner(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    NameLocks locks,
    ClusterClock clock,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<TombstoneCleaner> logger)
    : PeriodicService(time, () => options.Value.TombstoneCleanupInterval, logger)
{
    private const int BatchSize = 500;

    /// <summary>Tombstones removed since the start.</summary>
    public long Removed { get; private set; }

    protected override TimeSpan FirstDelay => options.Value.TombstoneCleanupInterval;

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!session.IsSure) return;
        var outlived = Outlived();
        // The age by which they are forgotten is in Redis first: a master that starts with an older one would take a node that was away too long for one
        // that was not, and a deleted movie would be back (docs/decisions/model.md).
        if (outlived.Count == 0 || !await session.SaveClusterAgeAsync(cancellationToken)) return;
        foreach (var batch in outlived.Chunk(BatchSize)) await ForgetAsync(batch, cancellationToken);
    }

    private List<Tombstone> Outlived()
    {
        lock (registry.Gate)
        {
            var presence = registry.States.Select(state => new NodePresence(state.Inventory.Complete, state.Life is null ? state.LastHeardAge : state.SettledAge)).ToList();
            var age = clock.Age;
            return [.. catalog.Tombstones.Where(tombstone =>
                TombstoneRules.MayForget(tombstone, age, options.Value.TombstoneRetention, IsNeeded(tombstone), presence))];
        }
    }

    private bool IsNeeded(Tombstone tombstone) => registry.Replicas.VersionsOf(tombstone.Name).Any(tombstone.Covers);

    private async Task ForgetAsync(Tombstone[] tombstones, CancellationToken cancellationToken)
    {
        var held = new List<IDisposable>();
        try
        {
            var free = new List<Tombstone>();
            foreach (var tombstone in tombstones)
            {
                // A name that is being written to keeps its tombstone until the next turn.
                if (locks.TryAcquire(tombstone.Name) is not { } handle) continue;
                held.Add(handle);
                if (catalog.FindTombstone(tombstone.Name) == tombstone) free.Add(tombstone);
            }

            if (free.Count == 0) return;
            var change = new CatalogChange { Forget = [.. free.Select(tombstone => tombstone.Name)], Highest = catalog.Highest };
            if (!await session.ApplyAsync(change, cancellationToken)) return;
            registry.OweForgets(free);
            Removed += free.Count;
            LogForgotten(free.Count);
        }
        finally
        {
            foreach (var handle in held) handle.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} tombstones have outlived their retention and were removed.")]
    private partial void LogForgotten(int count);
}
