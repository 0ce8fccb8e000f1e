namespace Mdfs.Master.Cluster;

/// <summary>
/// Cluster age: seconds during which a master ran, kept in Redis and by every worker (design, section 1). Retention and absence are
/// counted in it, so that neither stepped clocks nor weeks switched off age anything. Runs on the monotonic clock.
/// </summary>
public sealed class ClusterClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _base;
    private long _since = time.GetTimestamp();

    public double Age
    {
        get
        {
            lock (_gate) return _base + time.GetElapsedTime(_since).TotalSeconds;
        }
    }

    /// <summary>Goes on from an age that Redis or a worker remembers, if it is higher.</summary>
    public void Hear(double age)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var own = _base + time.GetElapsedTime(_since, now).TotalSeconds;
            if (!double.IsFinite(age) || age <= own) return;
            _base = age;
            _since = now;
        }
    }
}
