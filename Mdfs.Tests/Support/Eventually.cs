namespace Mdfs.Tests.Support;

/// <summary>Waits for what becomes true by itself.</summary>
public static class Eventually
{
    private static readonly TimeSpan _soonest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _latest = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Asks somebody until the answer is yes: every 20 ms at first, and the less often the dearer the question and the longer the wait, since who asks takes processor time from what is waited for.
    /// Fails with <paramref name="what"/> when it is not within the time.
    /// </summary>
    public static Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan within, CancellationToken cancellationToken) => TrueAsync(
        condition,
        // A fifth of the time goes into asking at the most, and a tenth of the wait is lost.
        static (asking, waited) => TimeSpan.FromTicks(Math.Clamp(Math.Max(4 * asking.Ticks, waited.Ticks / 10), _soonest.Ticks, _latest.Ticks)),
        what, within, cancellationToken);

    /// <summary>Looks every 20 ms until it is true; fails with <paramref name="what"/> when it is not within the time.</summary>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan within, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(condition()), static (_, _) => _soonest, what, within, cancellationToken);

    private static async Task TrueAsync(Func<Task<bool>> condition, Func<TimeSpan, TimeSpan, TimeSpan> pause, string what, TimeSpan within, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var before = TimeProvider.System.GetElapsedTime(started);
            if (await condition()) return;
            var waited = TimeProvider.System.GetElapsedTime(started);
            if (waited > within)
                Assert.Fail($"Not within {within.TotalSeconds} s: {what}");
            await Task.Delay(pause(waited - before, waited), cancellationToken);
        }
    }
}
