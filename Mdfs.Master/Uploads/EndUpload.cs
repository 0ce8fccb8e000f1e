using Mdfs.Master.Files;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Uploads;

/// <summary>Removes a resumable upload before its time or at it. The movie it has become stays.</summary>
public sealed class EndUpload(ResumableUploads uploads, UploadTargets targets, CommitUpload commit)
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
}
