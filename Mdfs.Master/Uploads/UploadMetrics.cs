using System.Diagnostics.Metrics;

namespace Mdfs.Master.Uploads;

/// <summary>What is measured of resumable uploads.</summary>
public sealed class UploadMetrics
{
    private const string CreatedOutcome = "created";
    private const string CompletedOutcome = "completed";
    private const string TerminatedOutcome = "terminated";
    private const string ExpiredOutcome = "expired";

    private readonly Counter<long> _uploads;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _resumed;
    private readonly Counter<long> _cutOff;

    public UploadMetrics(Meter meter, ResumableUploads uploads)
    {
        meter.CreateObservableGauge("mdfs_resumable_uploads_open", () => uploads.All.Count(upload => upload.Record.Version is null), null, "Resumable uploads that are not complete.");
        _uploads = meter.CreateCounter<long>("mdfs.resumable.uploads", null, "Resumable uploads, by what became of them: created, completed, terminated, expired.");
        _bytes = meter.CreateCounter<long>("mdfs.resumable.bytes", "By", "Bytes that clients sent in pieces.");
        _resumed = meter.CreateCounter<long>("mdfs.resumable.resumed", null, "Times that an upload went on after it had broken off.");
        _cutOff = meter.CreateCounter<long>("mdfs.resumable.cut_off", null, "Requests that were cut off since a newer one for the same upload had come.");

        // From zero on, as those of whole uploads.
        foreach (var outcome in (string[])[CreatedOutcome, CompletedOutcome, TerminatedOutcome, ExpiredOutcome]) Count(outcome, 0);
        _bytes.Add(0);
        _resumed.Add(0);
        _cutOff.Add(0);
    }

    internal void Created() => Count(CreatedOutcome);

    internal void Completed() => Count(CompletedOutcome);

    internal void Terminated() => Count(TerminatedOutcome);

    internal void Expired() => Count(ExpiredOutcome);

    internal void Received(long bytes) => _bytes.Add(bytes);

    internal void Resumed() => _resumed.Add(1);

    internal void CutOff() => _cutOff.Add(1);

    private void Count(string outcome, long uploads = 1) => _uploads.Add(uploads, new KeyValuePair<string, object?>("outcome", outcome));
}
