using System.Diagnostics.Metrics;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Status;

/// <summary>The instruments of one worker (design, section 10), on the meter that carries its node id.</summary>
internal sealed class WorkerMetrics
{
    private readonly Inventory _inventory;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;
    private readonly Counter<long> _pulled;
    private readonly Counter<long> _pullsEnded;
    private readonly Counter<long> _beats;
    private int _streams;

    public WorkerMetrics(InstanceTelemetry telemetry, Inventory inventory, SpaceAccount space, KeptTrash kept, Quarantine quarantine, DirectBuffers direct)
    {
        _inventory = inventory;
        var meter = telemetry.Meter;
        _sent = meter.CreateCounter<long>("mdfs_worker_sent_bytes", description: "Bytes of movies sent.");
        _received = meter.CreateCounter<long>("mdfs_worker_received_bytes", description: "Bytes of uploads received and fsynced.");
        _pulled = meter.CreateCounter<long>("mdfs_worker_pulled_bytes", description: "Bytes fetched from other workers.");
        _pullsEnded = meter.CreateCounter<long>("mdfs_worker_pulls", description: "Pulls that ended, by result.");
        _beats = meter.CreateCounter<long>("mdfs_worker_beats", description: "Beats sent, by result.");
        // From zero on, so that the first of each counts as a rise.
        foreach (var counter in (Counter<long>[])[_sent, _received, _pulled]) counter.Add(0);
        PullEnded(good: true, 0);
        PullEnded(good: false, 0);
        meter.CreateObservableGauge("mdfs_worker_streams", () => Streams, description: "Windows being sent now, without those of paused clients.");
        meter.CreateObservableGauge("mdfs_worker_damaged_replicas", () => inventory.DamagedCount, description: "Replicas with a bad block.");
        meter.CreateObservableGauge("mdfs_worker_free_bytes", () => space.Measure().Free, description: "Bytes free beyond the reserve.");
        meter.CreateObservableGauge("mdfs_worker_in_flight_bytes", () => space.Measure().InFlight, description: "Bytes that open uploads and pulls have reserved.");
        meter.CreateObservableGauge("mdfs_worker_trash_bytes", () => kept.Bytes, description: "Bytes of deleted and overwritten movies that can be brought back; they count as free.");
        meter.CreateObservableGauge("mdfs_worker_quarantined_replicas", () => quarantine.Count, description: "Replicas in quarantine.");
        meter.CreateObservableGauge("mdfs_worker_quarantined_bytes", () => quarantine.Bytes, description: "Bytes of the replicas in quarantine.");
        meter.CreateObservableGauge(
            "mdfs_worker_direct_io", () => direct.Works is { } works ? [new Measurement<int>(works ? 1 : 0)] : Array.Empty<Measurement<int>>(),
            description: "1: movies that arrive, copies and scrubs go past the page cache; 0: the file system cannot, or DirectIo is off.");
    }

    /// <summary>Windows being sent at this moment, without those whose client has paused.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>The three lines of the classic contract.</summary>
    public IEnumerable<ClassicMetric> Classic() =>
    [
        new("mdfs_worker_files", ClassicMetric.Gauge, "Sealed replicas on this worker.", _inventory.Count),
        new("mdfs_worker_bytes_total", ClassicMetric.Counter, "Bytes of the sealed replicas on this worker.", _inventory.Bytes),
        new("mdfs_worker_up", ClassicMetric.Gauge, "1 while this worker runs.", 1),
    ];

    /// <summary>Counts a window until it is disposed.</summary>
    public StreamPlace StreamOpened() => new(() => Interlocked.Increment(ref _streams), () => Interlocked.Decrement(ref _streams));

    public void Sent(long bytes) => _sent.Add(bytes);

    public void Received(long bytes) => _received.Add(bytes);

    public void Pulled(long bytes) => _pulled.Add(bytes);

    public void PullEnded(bool good) => PullEnded(good, 1);

    private void PullEnded(bool good, int count) => _pullsEnded.Add(count, new KeyValuePair<string, object?>("result", good ? "good" : "failed"));

    public void Beat(bool answered) => _beats.Add(1, new KeyValuePair<string, object?>("result", answered ? "answered" : "failed"));
}
