namespace Mdfs.Benchmarks.Load;

/// <summary>The longest wait of a client whose worker is killed, or falls silent, while it reads as fast as it can.</summary>
internal static class Failovers
{
    public static async Task RunAsync(Bench bench)
    {
        for (var round = 0; round < 3; round++)
        {
            Action? again = null;
            var wait = await LongestWaitAsync(bench, source => again = bench.Mdfs.KillWorker(source));
            Row("killed", wait);
            again?.Invoke();
            await Patiently.UntilAsync(async () => await bench.Mdfs.MetricAsync("mdfs_active_nodes") == 3 && await bench.Mdfs.MetricAsync("mdfs_under_replicated_files") == 0, "the worker is back");
        }

        ServerProcess? stopped = null;
        var silence = await LongestWaitAsync(bench, source =>
        {
            stopped = source;
            source.Signal("STOP");
        });
        stopped?.Signal("CONT");
        Row("stopped; IdleTimeout is 10 s", silence);
        await Patiently.UntilAsync(async () => await bench.Mdfs.MetricAsync("mdfs_active_nodes") == 3, "the worker is back");

        void Row(string what, double seconds) => bench.Report.Row("A source that fails in mid-stream", "it is | longest wait for a byte, s", what, Report.Number(seconds, "0.000"));
    }

    private static async Task<double> LongestWaitAsync(Bench bench, Action<ServerProcess> fault)
    {
        var movie = await bench.Through.MovieAsync();
        using var connection = await Connection.OpenAsync(movie);
        var before = bench.Mdfs.Workers.ToDictionary(worker => worker, worker => worker.ReadBytes);
        var (_, length, _) = await connection.AskAsync("GET", movie.PathAndQuery, "Range: bytes=0-\r\n");
        // Whoever has read most since then is the source.
        await connection.DrainAsync(32 << 20);
        fault(bench.Mdfs.Workers.MaxBy(worker => worker.ReadBytes - before[worker])!);
        var longest = 0.0;
        for (var left = length - (32 << 20); left > 0;)
        {
            var asked = TimeProvider.System.GetTimestamp();
            left -= await connection.TakeAsync(left);
            longest = Math.Max(longest, TimeProvider.System.GetElapsedTime(asked).TotalSeconds);
        }

        return longest;
    }
}
