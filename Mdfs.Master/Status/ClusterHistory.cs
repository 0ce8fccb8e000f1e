using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Gateways;
using Mdfs.Master.Repair;
using Mdfs.Master.Transfer;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Master.Status;

/// <summary>How the cluster fared at one moment, and how fast bytes moved in the time before it.</summary>
/// <param name="At">By the master's clock.</param>
/// <param name="BytesStored">Bytes of replicas on live workers.</param>
/// <param name="BytesFree">Bytes free on live workers beyond their reserves.</param>
/// <param name="BytesInPerSecond">What clients sent.</param>
/// <param name="BytesOutPerSecond">What clients were given.</param>
/// <param name="RepairBytesPerSecond">What workers copied from one another, as they tell in their beats.</param>
/// <param name="Streams">Clients being served.</param>
public sealed record ClusterSample(
    DateTimeOffset At, int ActiveNodes, int Movies, int UnderReplicated, long BytesStored, long BytesFree,
    long BytesInPerSecond, long BytesOutPerSecond, long RepairBytesPerSecond, int Streams);

/// <summary>The last hours, for charts.</summary>
/// <param name="StepSeconds">From sample to sample.</param>
/// <param name="Samples">The oldest first.</param>
public sealed record HistoryFacts(int StepSeconds, IReadOnlyList<ClusterSample> Samples);

/// <summary>Remembers a day in memory: every 10 seconds of the last hour, every minute of the rest. About 200 KB; a restart begins anew.</summary>
public sealed class ClusterHistory(
    NodeRegistry registry, FileCatalog catalog, MasterStatus status, TransferMetrics uploads, StreamMetrics downloads, FrontEnds fronts, Fixer fixer, StreamCounter streams, TimeProvider time, ILogger<ClusterHistory> logger)
    : PeriodicService(time, static () => TimeSpan.FromSeconds(FineStep), logger)
{
    public const int MaxMinutes = 24 * 60;
    public const int DefaultMinutes = 60;

    private const int FineStep = 10;
    private const int CoarseStep = 60;
    private const int FineSamples = 3600 / FineStep;

    private readonly Lock _gate = new();
    private readonly Queue<ClusterSample> _fine = new();
    private readonly Queue<ClusterSample> _coarse = new();
    private readonly List<ClusterSample> _minute = [];
    private (long At, long In, long Out, long Repair)? _before;

    /// <summary>The newest sample; null right after the start.</summary>
    public ClusterSample? Last { get; private set; }

    /// <param name="minutes">1 to <see cref="MaxMinutes"/>.</param>
    public HistoryFacts Of(int minutes)
    {
        var since = Time.GetUtcNow().AddMinutes(-minutes);
        lock (_gate)
        {
            return minutes <= 60
                ? new HistoryFacts(FineStep, [.. _fine.Where(sample => sample.At >= since)])
                : new HistoryFacts(CoarseStep, [.. _coarse.Where(sample => sample.At >= since)]);
        }
    }

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        var now = (At: Time.GetTimestamp(), In: uploads.BytesTaken, Out: downloads.BytesGiven + fronts.BytesGiven, Repair: fixer.BytesCopied);
        var seconds = _before is { } before ? Time.GetElapsedTime(before.At, now.At).TotalSeconds : 0;
        var alive = registry.View.Nodes.Where(node => node.Alive).ToList();
        var space = SharedDisks.Space(alive);
        var sample = new ClusterSample(
            Time.GetUtcNow(), alive.Count, catalog.Count, status.UnderReplicated, space.Used, space.Free,
            Rate(now.In, _before?.In), Rate(now.Out, _before?.Out), Rate(now.Repair, _before?.Repair), streams.Clients);
        _before = now;
        lock (_gate)
        {
            Last = sample;
            Keep(_fine, sample, FineSamples);
            _minute.Add(sample);
            if (_minute.Count >= CoarseStep / FineStep)
            {
                Keep(_coarse, Together(_minute), MaxMinutes);
                _minute.Clear();
            }
        }

        return Task.CompletedTask;

        long Rate(long after, long? earlier) => seconds > 0 ? (long)((after - (earlier ?? after)) / seconds) : 0;
    }

    /// <summary>A minute: counts as they were at its end, the worst number of movies in want, rates on average.</summary>
    private static ClusterSample Together(List<ClusterSample> samples) => samples[^1] with
    {
        ActiveNodes = samples.Min(sample => sample.ActiveNodes),
        UnderReplicated = samples.Max(sample => sample.UnderReplicated),
        BytesInPerSecond = (long)samples.Average(sample => sample.BytesInPerSecond),
        BytesOutPerSecond = (long)samples.Average(sample => sample.BytesOutPerSecond),
        RepairBytesPerSecond = (long)samples.Average(sample => sample.RepairBytesPerSecond),
        Streams = samples.Max(sample => sample.Streams),
    };

    private static void Keep(Queue<ClusterSample> queue, ClusterSample sample, int most)
    {
        queue.Enqueue(sample);
        if (queue.Count > most) queue.Dequeue();
    }
}
