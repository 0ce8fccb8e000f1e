using Mdfs.Master.Files;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Uploads;

/// <summary>Removes a resumable upload before its time or at it. The movie it has become stays.</summary>
public sealed class EndUpload(ResumableUploads uploads, UploadTargets targets, CommitUpload commit, UploadMetrics metrics)
{
    /// <summary>For a caller that holds the upload's turn.</summary>
    /// <returns>Null: it is gone.</returns>
    public async Task<Problem?> RunAsync(ResumableUpload upload)
    {
        var record = upload.Record;
        if (commit.IsUnsettled(record.Id)) return FileProblems.OutcomeUnknown;
        if (!await uploads.RemoveAsync(upload)) return FileProblems.ReadOnly;
        // What was committed may wait on a worker for its seal.
        if (record.Version is null && uploads.Committed(record) is null) targets.Drop(record.Id, record.Targets ?? []);
        return null;
    }

    /// <summary>The same for one that somebody gives up, or that can come to nothing; what has become a movie is not counted as such.</summary>
    /// <returns>Null: it is gone.</returns>
    public async Task<Problem?> TerminateAsync(ResumableUpload upload)
    {
        var unfinished = upload.Record.Version is null;
        if (await RunAsync(upload) is { } notNow) return notNow;
        if (unfinished) metrics.Terminated();
        return null;
    }
}
