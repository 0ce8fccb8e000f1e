using System.Diagnostics.Metrics;

namespace Mdfs.Master.Uploads;

/// <summary>What is measured of resumable uploads.</summary>
public sealed class UploadMetrics
{
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
    }

    internal void Created() => Count("created");

    internal void Completed() => Count("completed");

    internal void Terminated() => Count("terminated");

    internal void Expired() => Count("expired");

    internal void Received(long bytes) => _bytes.Add(bytes);

    internal void Resumed() => _resumed.Add(1);

    internal void CutOff() => _cutOff.Add(1);

    private void Count(string outcome) => _uploads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
