using System.Diagnostics.Metrics;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Status;

/// <summary>
/// The instruments of one worker (design, section 10). Listeners are process-wide, so the meter's name holds the node id: two workers in
/// one process do not report each other's numbers.
/// </summary>
internal sealed class WorkerMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Inventory _inventory;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;
    private readonly Counter<long> _pulled;
    private readonly Counter<long> _pullsEnded;
    private readonly Counter<long> _beats;
    private int _streams;

    public WorkerMetrics(NodeMemory memory, Inventory inventory, SpaceAccount space)
    {
        _inventory = inventory;
        MeterName = $"Mdfs.Worker.{memory.Id}";
        _meter = new Meter(MeterName);
        _sent = _meter.CreateCounter<long>("mdfs_worker_sent_bytes", description: "Bytes of movies sent.");
        _received = _meter.CreateCounter<long>("mdfs_worker_received_bytes", description: "Bytes of uploads received and fsynced.");
        _pulled = _meter.CreateCounter<long>("mdfs_worker_pulled_bytes", description: "Bytes fetched from other workers.");
        _pullsEnded = _meter.CreateCounter<long>("mdfs_worker_pulls", description: "Pulls that ended, by result.");
        _beats = _meter.CreateCounter<long>("mdfs_worker_beats", description: "Beats sent, by result.");
        _meter.CreateObservableGauge("mdfs_worker_streams", () => Streams, description: "Windows being sent now.");
        _meter.CreateObservableGauge("mdfs_worker_damaged_replicas", () => inventory.DamagedCount, description: "Replicas with a bad block.");
        _meter.CreateObservableGauge("mdfs_worker_free_bytes", () => space.Measure().Free, description: "Bytes free beyond the reserve.");
        _meter.CreateObservableGauge("mdfs_worker_in_flight_bytes", () => space.Measure().InFlight, description: "Bytes that open uploads and pulls have reserved.");
    }

    public string MeterName { get; }

    /// <summary>Windows being sent at this moment.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>The three lines of the classic contract: no labels, one blank, so that scripts which split lines at it find them.</summary>
    public string ClassicLines() =>
        $"""
        # TYPE mdfs_worker_files gauge
        mdfs_worker_files {_inventory.Count}
        # TYPE mdfs_worker_bytes_total counter
        mdfs_worker_bytes_total {_inventory.Bytes}
        # TYPE mdfs_worker_up gauge
        mdfs_worker_up 1

        """.ReplaceLineEndings("\n");

    public StreamCount StreamOpened()
    {
        Interlocked.Increment(ref _streams);
        return new StreamCount(this);
    }

    public void Sent(long bytes) => _sent.Add(bytes);

    public void Received(long bytes) => _received.Add(bytes);

    public void Pulled(long bytes) => _pulled.Add(bytes);

    public void PullEnded(bool good) => _pullsEnded.Add(1, new KeyValuePair<string, object?>("result", good ? "good" : "failed"));

    public void Beat(bool answered) => _beats.Add(1, new KeyValuePair<string, object?>("result", answered ? "answered" : "failed"));

    public void Dispose() => _meter.Dispose();

    internal readonly struct StreamCount(WorkerMetrics metrics) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref metrics._streams);
    }
}
