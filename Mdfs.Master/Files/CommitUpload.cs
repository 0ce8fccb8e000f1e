using System.Collections.Concurrent;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>What a commit is to mind, and what is to become of an upload that is not committed.</summary>
public sealed record CommitTerms
{
    /// <summary>Asked under the name's lock, with what the name means by then: why it is not to be committed, or null.</summary>
    public Func<CatalogEntry?, Problem?>? Refuse { get; init; }

    /// <summary>The prepared bytes stay, since the caller will try again; else they are dropped.</summary>
    public bool Keep { get; init; }

    /// <summary>Whoever has opened the upload will end it; else it is closed as soon as it is known that nothing comes of it.</summary>
    public bool StaysOpen { get; init; }
}

/// <summary>
/// The commit of an upload (design, section 4), under the name's lock: mint the version, one Redis transaction, seal on the workers, then
/// memory, then the answer. Goes on when the client is gone: half a commit is nobody's wish.
/// </summary>
public sealed partial class CommitUpload(
    NodeRegistry registry,
    CatalogSession session,
    FileCatalog catalog,
    MasterIdentity identity,
    NameLocks locks,
    OpenUploads uploads,
    RebuildState rebuild,
    WorkerClient workers,
    ICopiesWatch fixer,
    ActivityLog activity,
    ChangeMetrics metrics,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<CommitUpload> logger)
{
    private static readonly TimeSpan _lookForCopies = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<UploadId, byte> _unsettled = new();

    /// <summary>Whether Redis has not told yet what became of this upload's transaction.</summary>
    public bool IsUnsettled(UploadId upload) => _unsettled.ContainsKey(upload);

    /// <summary>Keeps the upload open while its bytes come and are committed, and as long as Redis has not told what became of it.</summary>
    public async Task<StoreResult> WhileOpenAsync(UploadId upload, Func<Task<StoreResult>> store)
    {
        uploads.Open(upload);
        try
        {
            return await store();
        }
        finally
        {
            // What is unsettled is closed when it is settled.
            if (!IsUnsettled(upload)) uploads.Close(upload);
        }
    }

    public async Task<StoreResult> RunAsync(UploadId upload, FileName name, FanOutResult sent, IReadOnlyList<WorkerAddress> opened, CommitTerms terms)
    {
        var began = time.GetTimestamp();
        var result = await TryAsync(upload, name, sent, opened, terms);
        metrics.Committed(time.GetElapsedTime(began));
        return result;
    }

    private async Task<StoreResult> TryAsync(UploadId upload, FileName name, FanOutResult sent, IReadOnlyList<WorkerAddress> opened, CommitTerms terms)
    {
        if (await locks.AcquireWithinAsync(name, options.Value.CommitWait, time) is not { } handle)
        {
            // Never sent, so nothing can become of it.
            if (!terms.Keep) await DropAsync(upload, opened);
            return new StoreResult.Refused(FileProblems.ReadOnly);
        }

        StoreResult result;
        using (var turn = new Turn(handle)) result = await CommitAsync(upload, name, sent, opened, turn, terms);
        // It stands in the catalog: what a worker has only prepared of it is to be sealed with its next beat.
        if (result is StoreResult.Stored) uploads.Close(upload);
        // Not under the lock: whoever deletes or overwrites the movie meanwhile shall not wait for its copies.
        return result is StoreResult.Stored stored && stored.Copies < options.Value.MinWriteReplicas ? await WaitForCopiesAsync(stored) : result;
    }

    private async Task<StoreResult> CommitAsync(UploadId upload, FileName name, FanOutResult sent, IReadOnlyList<WorkerAddress> opened, Turn turn, CommitTerms terms)
    {
        if (terms.Refuse?.Invoke(catalog.Find(name)) is { } refusal)
        {
            if (!terms.Keep) await DropAsync(upload, opened);
            return new StoreResult.Refused(refusal);
        }

        foreach (var receipt in sent.Receipts) catalog.Hear(receipt.HighestVersion);
        var now = time.GetUtcNow();
        var version = catalog.Mint(now);
        var previous = catalog.Find(name);
        var moment = CommitMoment.Next(now, previous, catalog.FindTombstone(name));
        var replica = new ReplicaDescription(name, version, sent.Size, sent.Checksum, moment, upload, identity.ClusterId);
        var targets = opened.Where(target => sent.Receipts.Any(receipt => receipt.Node == target.Id)).ToList();
        var entry = new CatalogEntry(replica, [.. targets.Select(target => target.Id)]);
        var change = new CatalogChange { Put = [entry], Highest = version };

        switch (await session.CommitAsync(change, CancellationToken.None))
        {
            case CommitOutcome.Committed:
                return await SealAsync(entry, previous, change, targets, turn);
            case CommitOutcome.Unsettled unsettled:
                _unsettled.TryAdd(upload, 0);
                _ = SettleAsync(unsettled, entry, previous, change, targets, turn.PassOn(), terms);
                return new StoreResult.Refused(FileProblems.OutcomeUnknown);
            case CommitOutcome.Replaced:
                // It may stand in Redis after all: then our successor needs the bytes, and else removes them.
                return new StoreResult.Refused(FileProblems.OutcomeUnknown);
            default:
                if (!terms.Keep) await DropAsync(upload, targets);
                return new StoreResult.Refused(FileProblems.ReadOnly);
        }
    }

    /// <summary>Redis came back: what stands there decides. The name stays locked and the bytes stay prepared until then.</summary>
    private async Task SettleAsync(
        CommitOutcome.Unsettled unsettled, CatalogEntry entry, CatalogEntry? previous, CatalogChange change, List<WorkerAddress> targets, IDisposable handle, CommitTerms terms)
    {
        using var turn = new Turn(handle);
        try
        {
            switch (await unsettled.Settlement)
            {
                case CommitOutcome.Committed:
                    LogSettled(entry.Name, entry.Version.Number, "stored");
                    await SealAsync(entry, previous, change, targets, turn);
                    break;
                case CommitOutcome.Unavailable:
                    LogSettled(entry.Name, entry.Version.Number, "not stored");
                    if (!terms.Keep) await DropAsync(entry.Replica.Upload, targets);
                    break;
            }
        }
        catch (Exception exception)
        {
            LogSettlementFailed(exception, entry.Name);
        }
        finally
        {
            _unsettled.TryRemove(entry.Replica.Upload, out _);
            if (!terms.StaysOpen) uploads.Close(entry.Replica.Upload);
        }
    }

    private async Task<StoreResult> SealAsync(CatalogEntry entry, CatalogEntry? previous, CatalogChange change, List<WorkerAddress> targets, Turn turn)
    {
        var sealedBy = await Task.WhenAll(targets.Select(target => workers.SealAsync(target, entry.Replica, CancellationToken.None)));
        var receipts = sealedBy.Where(answer => answer.Succeeded).Select(answer => answer.Value!).ToList();
        for (var i = 0; i < sealedBy.Length; i++)
        {
            if (!sealedBy[i].Succeeded) LogNotSealed(entry.Name, targets[i].Address, sealedBy[i].Failure!.Reason);
        }

        if (receipts.Count == 0) return await TakeBackAsync(entry, turn);
        // All copies of it are described by one and the same record in memory.
        foreach (var receipt in receipts) registry.TakeReceipt(receipt.Report.Replica == entry.Replica ? receipt with { Report = receipt.Report with { Replica = entry.Replica } } : receipt);
        catalog.Apply(change);
        if (previous is not null) registry.Suspect(entry.Name, entry.Version);
        if (receipts.Count < options.Value.ReplicationFactor) fixer.LookAgain();
        LogStored(entry.Name, entry.Size, entry.Version.Number, receipts.Count);
        activity.Note(previous is null ? ActivityKinds.Uploaded : ActivityKinds.Overwritten, entry.Name, detail: $"{receipts.Count} of {options.Value.ReplicationFactor} copies", size: entry.Size);
        return new StoreResult.Stored(entry, receipts.Count, previous is null);
    }

    /// <summary>
    /// Sealed by some, but by fewer than the operator demands. What one worker has sealed was committed and cannot be taken back
    /// (docs/decisions/too-few-seals.md); so the missing copies are waited for. They come by themselves: prepared bytes are sealed with their worker's next beat, others
    /// are pulled.
    /// </summary>
    private async Task<StoreResult> WaitForCopiesAsync(StoreResult.Stored stored)
    {
        var (started, copies) = (time.GetTimestamp(), stored.Copies);
        while (catalog.Find(stored.Entry.Name)?.Version == stored.Entry.Version && time.GetElapsedTime(started) < options.Value.CommitWait)
        {
            copies = Copies.Count(registry, stored.Entry.Replica);
            if (copies >= options.Value.MinWriteReplicas) return stored with { Copies = copies };
            await Task.Delay(_lookForCopies, time, CancellationToken.None);
        }

        LogTooFewCopies(stored.Entry.Name, stored.Entry.Version.Number, copies, options.Value.MinWriteReplicas);
        return new StoreResult.Refused(FileProblems.TooFewCopies(stored.Entry.Version, copies, options.Value.MinWriteReplicas));
    }

    /// <summary>
    /// No worker confirmed: a second transaction puts back what Redis had. Memory still has what it had. Should a worker have sealed after all, its report brings
    /// the movie back.
    /// </summary>
    private async Task<StoreResult> TakeBackAsync(CatalogEntry entry, Turn turn)
    {
        rebuild.NoteAbandoned(entry.Version);
        var undo = session.Durable(entry.Name) is { } before
            ? new CatalogChange { Put = [before], Highest = entry.Version }
            : new CatalogChange { Remove = [entry.Name], Highest = entry.Version };
        switch (await session.CommitAsync(undo, CancellationToken.None))
        {
            case CommitOutcome.Committed:
                return new StoreResult.Refused(FileProblems.NotSealed);
            case CommitOutcome.Replaced:
                return new StoreResult.Refused(FileProblems.OutcomeUnknown);
            case var outcome:
                // The client hears of it now. The name stays locked until Redis has been told, and until then it reads as before.
                _ = GoOnTakingBackAsync(outcome, entry, undo, turn.PassOn());
                return new StoreResult.Refused(FileProblems.OutcomeUnknown);
        }
    }

    private async Task GoOnTakingBackAsync(CommitOutcome outcome, CatalogEntry entry, CatalogChange undo, IDisposable handle)
    {
        using var turn = new Turn(handle);
        try
        {
            if (outcome is CommitOutcome.Unsettled unsettled) outcome = await unsettled.Settlement;
            while (outcome is CommitOutcome.Unavailable && session.Attached) outcome = await CommitSettledAsync(undo);
            if (outcome is not CommitOutcome.Committed) return;
            LogSettled(entry.Name, entry.Version.Number, "taken back");
        }
        catch (Exception exception)
        {
            LogSettlementFailed(exception, entry.Name);
        }
    }

    private async Task<CommitOutcome> CommitSettledAsync(CatalogChange change) =>
        await session.CommitAsync(change, CancellationToken.None) is var outcome && outcome is CommitOutcome.Unsettled unsettled ? await unsettled.Settlement : outcome;

    private Task DropAsync(UploadId upload, IReadOnlyList<WorkerAddress> targets) =>
        Task.WhenAll(targets.Select(target => workers.DropAsync(target, upload, CancellationToken.None)));

    /// <summary>The name's lock, held until the end of a commit unless whoever settles it later takes it over.</summary>
    private sealed class Turn(IDisposable handle) : IDisposable
    {
        private IDisposable? _handle = handle;

        public IDisposable PassOn() => Interlocked.Exchange(ref _handle, null) ?? throw new InvalidOperationException("The lock was passed on already.");

        public void Dispose() => Interlocked.Exchange(ref _handle, null)?.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Stored '{Name}': {Size} bytes, version {Version}, {Copies} copies.")]
    private partial void LogStored(FileName name, long size, long version, int copies);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}': worker {Worker} did not confirm the commit: {Reason}.")]
    private partial void LogNotSealed(FileName name, string worker, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis is back and tells what became of '{Name}' version {Version}: {Outcome}.")]
    private partial void LogSettled(FileName name, long version, string outcome);

    [LoggerMessage(Level = LogLevel.Error, Message = "Settling the commit of '{Name}' failed; its bytes stay prepared on the workers.")]
    private partial void LogSettlementFailed(Exception exception, FileName name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}' version {Version} has {Copies} copies where MinWriteReplicas asks for {Wanted}: it stands, but is not acknowledged.")]
    private partial void LogTooFewCopies(FileName name, long version, int copies, int wanted);
}
