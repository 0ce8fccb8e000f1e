using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Uploads;

/// <summary>
/// A master that has just started knows of an upload what stands in Redis, which may have gone back. So the workers are asked before the client is told
/// anything: they know the highest offset that was acknowledged, and whether the bytes are still there.
/// </summary>
public sealed partial class MeetWorkers(ResumableUploads uploads, UploadTargets targets, WorkerClient workers, ILogger<MeetWorkers> logger)
{
    /// <returns>Null: what <see cref="ResumableUpload.Record"/> says may be told.</returns>
    public async Task<Problem?> RunAsync(ResumableUpload upload)
    {
        var record = upload.Record;
        if (upload.Met || record.Version is not null || record.Targets is null) return null;
        if (uploads.Committed(record) is not null) return null;
        var asked = targets.Reachable(record);
        var answers = await Task.WhenAll(asked.Select(target => workers.FindUploadAsync(target, record.Id, CancellationToken.None)));
        // One that has less than was acknowledged has lost it just as well.
        var states = answers.Where(answer => answer.Succeeded && answer.Value!.Length >= record.Offset).Select(answer => answer.Value!).ToList();
        var lost = asked.Where((_, i) => answers[i].Failure is NodeFailure.Refused { Refusal.Code: NodeRefusal.Unknown } || answers[i].Value?.Length < record.Offset)
            .Select(target => target.Id).ToList();
        if (states.Count == 0)
        {
            if (lost.Count < record.Targets.Count) return null;
            LogLost(record.Id);
            targets.Drop(record.Id, lost);
            return await uploads.RemoveAsync(upload) ? UploadProblems.Gone : Files.FileProblems.ReadOnly;
        }

        var told = states.MaxBy(state => state.Acknowledged)!;
        if (told.Acknowledged > record.Offset)
        {
            LogWentBack(record.Id, record.Offset, told.Acknowledged);
            record = record with { Offset = told.Acknowledged, Checksum = told.Checksum };
        }

        record = record with { Targets = [.. record.Targets.Except(lost)] };
        if (record.Offset != upload.Record.Offset || lost.Count > 0)
        {
            if (!await uploads.SaveAsync(upload, record)) return Files.FileProblems.ReadOnly;
        }

        upload.Met = states.Count + lost.Count == asked.Count;
        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upload {Upload} is over: no worker has its bytes any more.")]
    private partial void LogLost(UploadId upload);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis had upload {Upload} at offset {Stored}, and its workers know that {Acknowledged} was acknowledged: Redis went back. The workers are believed.")]
    private partial void LogWentBack(UploadId upload, long stored, long acknowledged);
}
