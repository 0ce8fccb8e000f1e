using System.Diagnostics.Metrics;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Transfer;

/// <summary>What moves through the master, as instruments of the meter that the service gives (listeners are process-wide, so each service has its own).</summary>
public sealed class TransferMetrics
{
    private readonly Counter<long> _uploads;
    private readonly Counter<long> _uploadBytes;
    private readonly Counter<long> _droppedTargets;
    private readonly Counter<long> _downloads;
    private readonly Counter<long> _downloadBytes;
    private readonly Counter<long> _failovers;
    private readonly Counter<long> _resumed;
    private readonly Counter<long> _sourceFailures;
    private readonly Histogram<double> _firstByte;
    private long _taken;
    private long _given;

    public TransferMetrics(Meter meter)
    {
        _uploads = meter.CreateCounter<long>("mdfs.uploads", null, "Uploads that ended, by outcome.");
        _uploadBytes = meter.CreateCounter<long>("mdfs.upload.bytes", "By", "Bytes that clients sent.");
        _droppedTargets = meter.CreateCounter<long>("mdfs.upload.dropped_targets", null, "Copies that an upload lost on its way, by reason.");
        _downloads = meter.CreateCounter<long>("mdfs.downloads", null, "Windows of movies that were asked for, by outcome. ClientGone is normal: players break off at every seek.");
        _downloadBytes = meter.CreateCounter<long>("mdfs.download.bytes", "By", "Bytes handed to clients.");
        _failovers = meter.CreateCounter<long>("mdfs.failovers", null, "Times that another replica went on in the middle of a response.");
        _resumed = meter.CreateCounter<long>("mdfs.downloads.resumed", null, "Readers that had paused for so long that their worker was given back, and went on.");
        _sourceFailures = meter.CreateCounter<long>("mdfs.source_failures", null, "Replicas that could not be read, by reason.");
        _firstByte = meter.CreateHistogram<double>("mdfs.download.first_byte", "s", "Time until a replica gave the first byte.");

        // From zero on: a counter that is first seen at 1 has, as far as Prometheus knows, not risen, and the first movie that could not be read would raise no alert.
        foreach (var outcome in Enum.GetNames<CopyOutcome>()) _downloads.Add(0, Tag("outcome", outcome));
        foreach (var outcome in Enum.GetNames<FanOutOutcome>()) _uploads.Add(0, Tag("outcome", outcome));
        foreach (var reason in typeof(NodeFailure).GetNestedTypes())
        {
            _droppedTargets.Add(0, Tag("reason", reason.Name));
            _sourceFailures.Add(0, Tag("reason", reason.Name));
        }

        _uploadBytes.Add(0);
        _downloadBytes.Add(0);
        _failovers.Add(0);
    }

    /// <summary>Bytes that clients have sent since the start, those of uploads under way included.</summary>
    public long BytesTaken => Interlocked.Read(ref _taken);

    /// <summary>Bytes that clients have been given since the start, those of downloads under way included.</summary>
    public long BytesGiven => Interlocked.Read(ref _given);

    public void Taken(long bytes) => Interlocked.Add(ref _taken, bytes);

    public void Given(long bytes) => Interlocked.Add(ref _given, bytes);

    internal void Uploaded(FanOutResult result)
    {
        _uploads.Add(1, Tag("outcome", result.Outcome.ToString()));
        _uploadBytes.Add(result.Size);
        foreach (var target in result.Dropped) _droppedTargets.Add(1, Tag("reason", target.Reason.GetType().Name));
    }

    internal void Appended(PieceResult piece)
    {
        _uploadBytes.Add(piece.Taken);
        if (piece.Receipts.Count == 0) return;
        foreach (var target in piece.Dropped) _droppedTargets.Add(1, Tag("reason", target.Reason.GetType().Name));
    }

    internal void FirstByte(TimeSpan after) => _firstByte.Record(after.TotalSeconds);

    internal void Resumed() => _resumed.Add(1);

    internal void Downloaded(CopyResult result)
    {
        _downloads.Add(1, Tag("outcome", result.Outcome.ToString()));
        _downloadBytes.Add(result.Sent);
        if (result.Failovers > 0) _failovers.Add(result.Failovers);
        foreach (var failure in result.Failures) _sourceFailures.Add(1, Tag("reason", failure.Reason.GetType().Name));
    }

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);
}
