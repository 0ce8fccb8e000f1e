namespace Mdfs.Benchmarks.Load;

internal static class Patiently
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);

    /// <exception cref="TimeoutException">It has not come.</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                if (await condition()) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            if (TimeProvider.System.GetElapsedTime(began) > _patience) throw new TimeoutException($"Not within {_patience.TotalSeconds} s: {what}.");
            await Task.Delay(100);
        }
    }
}
