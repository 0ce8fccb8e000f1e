namespace Mdfs.Worker.Replication;

/// <summary>A limit in bytes per second, over all pulls of a node or of one alone. Time not used is lost beyond a tenth of a second, so that no burst follows a pause.</summary>
internal sealed class Throttle(long bytesPerSecond, TimeProvider time)
{
    private const int LeastStep = 64 * 1024;

    private static readonly TimeSpan _burst = TimeSpan.FromMilliseconds(100);

    // What is worked on in one go keeps a processor from those who wait for it: players, mostly. Shorter ones wake more threads than they are worth (docs/performance.md).
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(1);

    private readonly Lock _state = new();
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _paidUntil;

    public long BytesPerSecond => bytesPerSecond;

    /// <summary>How many bytes to take at once, of so many: what may be taken in a millisecond, and no less than a few pages.</summary>
    public int Step(int most) => bytesPerSecond <= 0 ? most : (int)Math.Clamp(bytesPerSecond * _step.TotalSeconds, Math.Min(LeastStep, most), most);

    /// <summary>Returns when these bytes may have been taken. 0 bytes per second: at once.</summary>
    public Task TakeAsync(int bytes, CancellationToken cancellation)
    {
        if (bytesPerSecond <= 0) return Task.CompletedTask;
        TimeSpan wait;
        lock (_state)
        {
            var now = time.GetElapsedTime(_start);
            if (_paidUntil < now - _burst) _paidUntil = now - _burst;
            _paidUntil += TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            wait = _paidUntil - now;
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellation) : Task.CompletedTask;
    }
}
