namespace Mdfs.Tests.Support;

/// <summary>Waits for what becomes true by itself.</summary>
public static class Eventually
{
    /// <summary>Asks every 20 ms until the answer is yes; fails with <paramref name="what"/> when it is not within the time.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan within, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > within)
                Assert.Fail($"Not within {within.TotalSeconds} s: {what}");
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, string, TimeSpan, CancellationToken)"/>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan within, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(condition()), what, within, cancellationToken);
}
