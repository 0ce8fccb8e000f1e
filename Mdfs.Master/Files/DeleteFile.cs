using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>How a deletion ended.</summary>
public abstract record DeleteResult
{
    private DeleteResult()
    {
    }

    /// <param name="Nodes">Nodes from which the bytes are gone.</param>
    public sealed record Deleted(Tombstone Tombstone, int Nodes) : DeleteResult;

    public sealed record Refused(Problem Problem) : DeleteResult;
}

/// <summary>
/// A deletion (design, section 7), under the name's lock: one transaction writes the tombstone and removes the entry; then every live worker is
/// told, holder or not, and at least one has it on disk before the answer.
/// </summary>
public sealed partial class DeleteFile(
    NodeRegistry registry,
    CatalogSession session,
    FileCatalog catalog,
    ClusterClock clock,
    NameLocks locks,
    WorkerClient workers,
    ActivityLog activity,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<DeleteFile> logger)
{
    /// <summary>Goes on when the client is gone: half a deletion is nobody's wish.</summary>
    /// <param name="condition">Under which it is to be deleted; null: under none.</param>
    public async Task<DeleteResult> RunAsync(FileName name, ChangeCondition? condition)
    {
        if (session.IsUncertain) return new DeleteResult.Refused(session.Attached ? FileProblems.Rebuilding : FileProblems.ReadOnly);
        if (await locks.AcquireWithinAsync(name, options.Value.CommitWait, time) is not { } handle) return new DeleteResult.Refused(FileProblems.ReadOnly);
        var release = true;
        try
        {
            // Asked again: the wait may have been long.
            if (session.IsUncertain) return new DeleteResult.Refused(session.Attached ? FileProblems.Rebuilding : FileProblems.ReadOnly);
            var entry = catalog.Find(name);
            if (entry is null) return new DeleteResult.Refused(FileProblems.NotFound(name));
            if (session.Health.State == StoreState.Unreachable) return new DeleteResult.Refused(FileProblems.ReadOnly);
            if (!registry.View.Nodes.Any(node => node.Alive)) return new DeleteResult.Refused(FileProblems.NoWorkers);
            if (condition?.Refuse(entry, session, time.GetUtcNow()) is { } refusal) return new DeleteResult.Refused(refusal);

            var now = time.GetUtcNow();
            var tombstone = new Tombstone(name, catalog.Mint(now), clock.Age, now);
            var change = new CatalogChange { Remove = [name], Bury = [tombstone], Highest = tombstone.Bound };
            switch (await session.CommitAsync(change, CancellationToken.None))
            {
                case CommitOutcome.Committed:
                    return await BuryAsync(tombstone, change);
                case CommitOutcome.Unsettled unsettled:
                    release = false;
                    _ = SettleAsync(unsettled, tombstone, change, handle);
                    return new DeleteResult.Refused(FileProblems.OutcomeUnknown);
                case CommitOutcome.Replaced:
                    return new DeleteResult.Refused(FileProblems.OutcomeUnknown);
                default:
                    return new DeleteResult.Refused(FileProblems.ReadOnly);
            }
        }
        finally
        {
            if (release) handle.Dispose();
        }
    }

    private async Task<DeleteResult> BuryAsync(Tombstone tombstone, CatalogChange change)
    {
        var size = catalog.Find(tombstone.Name)?.Size;
        catalog.Apply(change);
        // Owed to all before anybody is asked: who does not answer now hears of it with its next beat.
        registry.OweTombstones([tombstone]);
        registry.Suspect(tombstone.Name, null);

        var holders = Holders(tombstone);
        var alive = registry.View.Nodes.Where(node => node.Alive).ToList();
        var answers = await Task.WhenAll(alive.Select(node => workers.BuryAsync(node, tombstone, CancellationToken.None)));
        var confirmed = 0;
        var gone = 0;
        for (var i = 0; i < answers.Length; i++)
        {
            if (!answers[i].Succeeded)
            {
                LogNotTold(tombstone.Name, alive[i].RingKey, answers[i].Failure!.Reason);
                continue;
            }

            confirmed++;
            if (holders.Contains(alive[i].Id) || answers[i].Value!.Removed.Count > 0) gone++;
            registry.TakeReceipt(answers[i].Value!, tombstone.Name);
        }

        if (confirmed == 0) return new DeleteResult.Refused(FileProblems.NotBuried);
        LogDeleted(tombstone.Name, tombstone.Bound.Number, gone);
        activity.Note(ActivityKinds.Deleted, tombstone.Name, detail: $"gone from {Counted.Of(gone, "node", "nodes")}", size: size);
        return new DeleteResult.Deleted(tombstone, gone);
    }

    private async Task SettleAsync(CommitOutcome.Unsettled unsettled, Tombstone tombstone, CatalogChange change, IDisposable handle)
    {
        try
        {
            var done = await unsettled.Settlement is CommitOutcome.Committed;
            LogSettled(tombstone.Name, done ? "deleted" : "not deleted");
            if (done) await BuryAsync(tombstone, change);
        }
        catch (Exception exception)
        {
            LogSettlementFailed(exception, tombstone.Name);
        }
        finally
        {
            handle.Dispose();
        }
    }

    private HashSet<NodeId> Holders(Tombstone tombstone)
    {
        var holders = new HashSet<NodeId>();
        foreach (var version in registry.Replicas.VersionsOf(tombstone.Name).Where(tombstone.Covers))
        {
            foreach (var holder in registry.Replicas.HoldersOf(version)) holders.Add(holder.Node);
        }

        return holders;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted '{Name}' up to version {Bound}; the bytes are gone from {Nodes} nodes.")]
    private partial void LogDeleted(FileName name, long bound, int nodes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} was not told of the deletion of '{Name}' ({Reason}); it hears of it with its next beat.")]
    private partial void LogNotTold(FileName name, string node, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis is back and tells what became of the deletion of '{Name}': {Outcome}.")]
    private partial void LogSettled(FileName name, string outcome);

    [LoggerMessage(Level = LogLevel.Error, Message = "Settling the deletion of '{Name}' failed.")]
    private partial void LogSettlementFailed(Exception exception, FileName name);
}
