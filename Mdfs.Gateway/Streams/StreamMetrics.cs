using System.Diagnostics.Metrics;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Gateway.Streams;

/// <summary>What clients are sent, as instruments of the meter that the service gives: the same on the master and on every front end, so that sums over all services tell the whole.</summary>
public sealed class StreamMetrics
{
    private static readonly CopyOutcome[] _outcomes = Enum.GetValues<CopyOutcome>();

    // How each has ended: a counter of the library looks its series up each time, which shows where ranges are asked for by the ten thousand.
    private readonly long[] _downloads = new long[_outcomes.Length];
    private readonly Counter<long> _failovers;
    private readonly Counter<long> _resumed;
    private readonly Counter<long> _sourceFailures;
    private readonly Histogram<double> _firstByte;
    private long _given;
    private long _spliced;

    public StreamMetrics(Meter meter)
    {
        meter.CreateObservableCounter("mdfs.downloads", Downloads, null, "Windows of movies that were asked for, by outcome. ClientGone is normal: players break off at every seek.");
        // Not when a download has ended: a film takes two hours.
        meter.CreateObservableCounter("mdfs.download.bytes", () => BytesGiven, "By", "Bytes handed to clients.");
        meter.CreateObservableCounter("mdfs.download.spliced", () => Interlocked.Read(ref _spliced), "By", "Those of the bytes handed to clients that the system passed on by itself, from the worker's connection to the client's.");
        _failovers = meter.CreateCounter<long>("mdfs.failovers", null, "Times that another replica went on in the middle of a response.");
        _resumed = meter.CreateCounter<long>("mdfs.downloads.resumed", null, "Readers that had paused for so long that their worker was given back, and went on.");
        _sourceFailures = meter.CreateCounter<long>("mdfs.source_failures", null, "Replicas that could not be read, by reason.");
        _firstByte = meter.CreateHistogram<double>("mdfs.download.first_byte", "s", "Time until a replica gave the first byte.");

        // From zero on: a counter that is first seen at 1 has, as far as Prometheus knows, not risen, and the first movie that could not be read would raise no alert.
        foreach (var reason in typeof(NodeFailure).GetNestedTypes()) _sourceFailures.Add(0, Tag("reason", reason.Name));
        _failovers.Add(0);
    }

    /// <summary>Bytes that clients have been given since the start, those of downloads under way included.</summary>
    public long BytesGiven => Interlocked.Read(ref _given);

    public void Given(long bytes) => Interlocked.Add(ref _given, bytes);

    internal void Spliced(long bytes) => Interlocked.Add(ref _spliced, bytes);

    internal void FirstByte(TimeSpan after) => _firstByte.Record(after.TotalSeconds);

    internal void Resumed() => _resumed.Add(1);

    internal void Downloaded(CopyResult result)
    {
        Interlocked.Increment(ref _downloads[(int)result.Outcome]);
        if (result.Failovers > 0) _failovers.Add(result.Failovers);
        foreach (var failure in result.Failures) _sourceFailures.Add(1, Tag("reason", failure.Reason.GetType().Name));
    }

    private IEnumerable<Measurement<long>> Downloads() => _outcomes.Select(outcome => new Measurement<long>(Interlocked.Read(ref _downloads[(int)outcome]), Tag("outcome", outcome.ToString())));

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);
}
