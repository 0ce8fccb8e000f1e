namespace Mdfs.Worker.Integrity;

/// <summary>How fast and how often replicas are re-read.</summary>
internal static class ScrubPace
{
    // On a quiet node nobody notices this much, also from a disk that makes 100 MB/s; beside players it is what one seek costs.
    private const long Quiet = 16L << 20;
    private const long BesidePlayers = 1L << 20;

    /// <summary>A round has half the period, so that the node may be away, slowed down or paused for the other half and is in time all the same.</summary>
    public static TimeSpan Round(TimeSpan period) => period / 2;

    /// <param name="library">Bytes that a round has.</param>
    /// <param name="period">Within which every byte is to be re-read.</param>
    /// <param name="limit">Bytes per second never to be exceeded.</param>
    /// <param name="streams">Windows being sent: players come first, but never so much that the round would be late.</param>
    /// <returns>Bytes per second.</returns>
    public static long Rate(long library, TimeSpan period, long limit, int streams)
    {
        var needed = (long)Math.Min(long.MaxValue / 2, library / Round(period).TotalSeconds);
        return Math.Clamp(Math.Max(needed, streams > 0 ? BesidePlayers : Quiet), 1, limit);
    }

    /// <summary>Whether the next round begins.</summary>
    /// <param name="began">When the last one did. One that began in the future did so by a clock that was set back since, and puts nothing off.</param>
    public static bool IsDue(DateTimeOffset began, DateTimeOffset now, TimeSpan period) => now >= began + Round(period) || began > now;
}
