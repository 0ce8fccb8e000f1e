using System.Diagnostics.Metrics;

namespace Mdfs.Master.Catalog;

/// <summary>How long it takes until a change is durable: a commit, a copy that is made, and the transaction in Redis that both wait for (design, section 10).</summary>
public sealed class ChangeMetrics(Meter meter)
{
    private readonly Histogram<double> _commits = meter.CreateHistogram<double>(
        "mdfs.commit.duration", "s", "Time from the last byte of an upload until its movie stands: lock, transaction, seals; commits that came to nothing included.");

    // A copy of a large movie takes hours, and one with a limit of speed longer.
    private readonly Histogram<double> _repairs = meter.CreateHistogram(
        "mdfs.repair.duration", "s", "Time from the order to copy a movie until the copy is reported; moves included.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200] });

    private readonly Histogram<double> _transactions = meter.CreateHistogram<double>("mdfs.redis.transaction.duration", "s", "Time until Redis has answered a transaction.");

    internal void Committed(TimeSpan after) => _commits.Record(after.TotalSeconds);

    public void Copied(TimeSpan after) => _repairs.Record(after.TotalSeconds);

    internal void Answered(TimeSpan after) => _transactions.Record(after.TotalSeconds);
}
