namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// The master's time as told in its replies, carried on by the monotonic clock, so that who has a wrong wall clock judges and
/// makes tokens as the master means them (design, section 8). Before the first reply: the machine's own clock.
/// </summary>
public sealed class MasterClock(TimeProvider time)
{
    private Told? _told;

    /// <summary>Milliseconds since 1970.</summary>
    public long Now => Volatile.Read(ref _told) is { } told
        ? told.Milliseconds + (long)time.GetElapsedTime(told.Timestamp).TotalMilliseconds
        : time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Set(long milliseconds) => Volatile.Write(ref _told, new Told(milliseconds, time.GetTimestamp()));

    private sealed record Told(long Milliseconds, long Timestamp);
}
