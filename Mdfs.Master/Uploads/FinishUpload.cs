using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>
/// Makes a movie of a resumable upload that is whole: the workers prepare it, and the commit is that of any upload. Whatever goes wrong, the bytes stay, and the next request
/// for the upload tries again: a client is never told that all is there before the movie is.
/// </summary>
public sealed partial class FinishUpload(
    ResumableUploads uploads, UploadTargets targets, MeetWorkers meet, NodeRegistry registry, WorkerClient workers, CatalogSession session, CommitUpload commit, EndUpload end, UploadMetrics metrics,
    IOptions<MasterOptions> options, TimeProvider time, ILogger<FinishUpload> logger)
{
    /// <summary>For a caller that holds the upload's turn.</summary>
    /// <returns>Null: it is committed, or not whole, or only a part of an upload.</returns>
    public async Task<Problem?> RunAsync(ResumableUpload upload)
    {
        var record = upload.Record;
        if (record.Version is not null || !record.IsWhole || (record.Draft && !record.Closed)) return null;
        if (record.IsAnother) return await EndAsync(upload);
        if (record.IsPartial || record.Name is not { } name) return null;
        if (commit.IsUnsettled(record.Id)) return FileProblems.OutcomeUnknown;
        // By this master, whose answer was lost, or by one that died before it could note it.
        if (uploads.Committed(record) is { } known) return await NoteAsync(upload, known, Copies.Count(registry, known.Replica));

        var reachable = targets.Reachable(record);
        var answers = await Task.WhenAll(reachable.Select(target => workers.CompleteAsync(target, record.Id, record.Progress, CancellationToken.None)));
        var receipts = answers.Where(answer => answer.Succeeded).Select(answer => answer.Value!)
            .Where(receipt => receipt.Upload == record.Id && receipt.Size == record.Offset && receipt.Checksum == record.Checksum).ToList();
        for (var i = 0; i < answers.Length; i++)
        {
            if (!answers[i].Succeeded) LogNotPrepared(reachable[i].Address, record.Id, answers[i].Failure!);
        }

        if (receipts.Count == 0) return await NobodyHasItAsync(upload);
        List<WorkerAddress> opened = [.. reachable];
        if (receipts.Count < options.Value.MinWriteReplicas) await CopyOnAsync(upload, receipts, opened);
        if (receipts.Count < options.Value.MinWriteReplicas) return FileProblems.TooFewReplicas(receipts.Count, options.Value.MinWriteReplicas);
        var conditionFailed = false;
        var whole = new FanOutResult(FanOutOutcome.Completed, record.Offset, record.Checksum, null, receipts, []);
        switch (await commit.RunAsync(record.Id, name, whole, opened, new CommitTerms { Keep = true, StaysOpen = true, Refuse = Refuse }))
        {
            case StoreResult.Stored stored:
                var prepared = receipts.Select(receipt => receipt.Node).ToList();
                targets.Drop(record.Id, upload.Record.Targets!.Except(prepared));
                // Whoever did not hear that is told with a beat, since it is no target any more.
                upload.Record = upload.Record with { Targets = prepared };
                return await NoteAsync(upload, stored.Entry, stored.Copies);
            case StoreResult.Refused when uploads.Committed(record) is { } own:
                // While the workers were asked, a seal of an attempt before this one was heard of. It is this movie that stands in its own way.
                return await NoteAsync(upload, own, Copies.Count(registry, own.Replica));
            case StoreResult.Refused refused:
                // No piece could mend that, as little as other bytes: nobody is to go on with it.
                return conditionFailed ? await end.TerminateAsync(upload) ?? refused.Problem : refused.Problem;
            default:
                return FileProblems.NotSealed;
        }

        Problem? Refuse(CatalogEntry? present)
        {
            var refusal = record.Condition?.Refuse(present, session, time.GetUtcNow());
            // While the catalog is incomplete nobody can say.
            conditionFailed = refusal is { Status: StatusCodes.Status412PreconditionFailed };
            return refusal;
        }
    }

    // No piece could mend it, so nobody is to go on with it.
    private async Task<Problem?> EndAsync(ResumableUpload upload)
    {
        var record = upload.Record;
        return await end.TerminateAsync(upload) ?? FileProblems.ChecksumMismatch($"CRC-32 {record.Expected}", record.Checksum);
    }

    /// <summary>
    /// Fewer have it than the operator demands: workers were left out on the way, or have lost it. What is committed cannot be taken back, so the missing copies are made before:
    /// other workers, or the same ones anew, copy it from those that have prepared it.
    /// </summary>
    private async Task CopyOnAsync(ResumableUpload upload, List<PreparedReceipt> receipts, List<WorkerAddress> opened)
    {
        var record = upload.Record;
        var have = receipts.Select(receipt => receipt.Node).ToList();
        var more = await targets.OpenMoreAsync(record, have, options.Value.MinWriteReplicas - have.Count);
        if (more.Count == 0) return;
        LogCopying(record.Id, have.Count, more.Count);
        // Noted before they begin: whoever has bytes of an upload that is not theirs is told to remove them.
        if (!await uploads.SaveAsync(upload, record = record with { Targets = [.. record.Targets!.Union(more.Select(target => target.Id))] }))
        {
            targets.Drop(record.Id, more.Select(target => target.Id));
            return;
        }

        var sources = opened.Where(target => have.Contains(target.Id)).Select(target => new PullSource(target.Id, target.Address));
        var copy = new JoinUpload(record.Offset, record.Checksum, [new UploadPart(record.Id, record.Offset, record.Checksum, [.. sources])]);
        var answers = await Task.WhenAll(more.Select(target => workers.JoinAsync(target, record.Id, copy, CancellationToken.None)));
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i] is { Succeeded: true, Value: { } receipt } && receipt.Size == record.Offset && receipt.Checksum == record.Checksum)
            {
                receipts.Add(receipt);
                opened.RemoveAll(target => target.Id == more[i].Id);
                opened.Add(more[i]);
            }
            else
            {
                LogNotPrepared(more[i].Address, record.Id, answers[i].Failure ?? new NodeFailure.Disagreed("it has copied other bytes"));
            }
        }
    }

    private async Task<Problem?> NoteAsync(ResumableUpload upload, CatalogEntry entry, int copies)
    {
        if (copies < options.Value.MinWriteReplicas) return FileProblems.TooFewCopies(entry.Version, copies, options.Value.MinWriteReplicas);
        // The movie stands. Should this note be lost, the next request finds it in the catalog.
        await uploads.CompleteAsync(upload, entry);
        metrics.Completed();
        return null;
    }

    private async Task<Problem> NobodyHasItAsync(ResumableUpload upload)
    {
        upload.Met = false;
        return await meet.RunAsync(upload) ?? UploadProblems.WorkersAway;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upload {Upload} is whole on {Have} workers, fewer than MinWriteReplicas asks for; {More} more copy it before it is committed.")]
    private partial void LogCopying(UploadId upload, int have, int more);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} does not prepare upload {Upload}: {Reason}.")]
    private partial void LogNotPrepared(string address, UploadId upload, NodeFailure reason);
}
