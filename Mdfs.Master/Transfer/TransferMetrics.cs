using System.Diagnostics.Metrics;
using Mdfs.Gateway.Streams;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Transfer;

/// <summary>What clients send to the master, as instruments of the meter that the service gives (listeners are process-wide, so each service has its own). What they are sent: <see cref="Mdfs.Gateway.Streams.StreamMetrics"/>.</summary>
public sealed class TransferMetrics
{
    private readonly Counter<long> _uploads;
    private readonly Counter<long> _droppedTargets;
    private long _taken;

    public TransferMetrics(Meter meter)
    {
        _uploads = meter.CreateCounter<long>("mdfs.uploads", null, "Uploads that ended, by outcome.");
        // Not when an upload has ended: it may take hours.
        meter.CreateObservableCounter("mdfs.upload.bytes", () => BytesTaken, "By", "Bytes that clients sent.");
        _droppedTargets = meter.CreateCounter<long>("mdfs.upload.dropped_targets", null, "Copies that an upload lost on its way, by reason.");

        // From zero on: a counter that is first seen at 1 has, as far as Prometheus knows, not risen, and the first upload that failed would raise no alert.
        foreach (var outcome in Enum.GetNames<FanOutOutcome>()) _uploads.Add(0, Tag("outcome", outcome));
        foreach (var reason in typeof(NodeFailure).GetNestedTypes()) _droppedTargets.Add(0, Tag("reason", reason.Name));
    }

    /// <summary>Bytes that clients have sent since the start, those of uploads under way included.</summary>
    public long BytesTaken => Interlocked.Read(ref _taken);

    public void Taken(long bytes) => Interlocked.Add(ref _taken, bytes);

    internal void Uploaded(FanOutResult result)
    {
        _uploads.Add(1, Tag("outcome", result.Outcome.ToString()));
        foreach (var target in result.Dropped) _droppedTargets.Add(1, Tag("reason", target.Reason.GetType().Name));
    }

    internal void Appended(PieceResult piece)
    {
        if (piece.Receipts.Count == 0) return;
        foreach (var target in piece.Dropped) _droppedTargets.Add(1, Tag("reason", target.Reason.GetType().Name));
    }

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);
}
