using System.Globalization;

namespace Mdfs.Benchmarks.Load;

/// <summary>Whole movies, by one, four and sixty-four at once, through the master and straight from a worker.</summary>
internal static class Downloads
{
    private const string Head = "what | streams | CPU s/GiB | MiB/s | ratio to nginx | growth of any process, MiB | file bytes read per byte | bytes sent per byte";

    public static async Task RunAsync(Bench bench)
    {
        foreach (var count in bench.Options.Streams)
        {
            foreach (var (ours, theirs) in bench.ReadersOf("download"))
            {
                // As with ranges; what the short run looks at in downloads, noise and compiling together do not reach.
                if (!bench.Options.Check) await Bench.WarmUpAsync(ours, contender => DownloadAsync(bench, contender, count));
                var before = bench.Mdfs.All.Select(server => server.ResidentBytes).ToList();
                foreach (var server in bench.Mdfs.All) server.ForgetPeak();
                var (read, sent) = (Read(bench), await SentAsync(bench, ours, 0));
                // Twice the goal of design, section 11: noise on a shared machine explains less. One nginx hands pages to the socket in the kernel and touches no byte; its figure moves by a factor of
                // three between runs, and a worker that checks every block is always far above it. Two of them in a row copy every byte as a worker does, so those are what a worker is held to:
                // it costs two thirds of them.
                var (held, most) = (bench.Proxy, ours == bench.Through ? 2 * 1.7 : 1.4);
                // A worker looks at every byte, so it is also shown beside an nginx that does.
                var reading = ours == bench.Direct ? bench.Reading : null;
                var (costs, rounds) = await bench.MeasureAsync(new[] { ours, theirs, reading, held }.Distinct(), contender => DownloadAsync(bench, contender, count), most: most);
                var total = rounds * bench.Options.GiB * (1L << 30);
                var growth = bench.Mdfs.All.Select((server, index) => server.PeakResidentBytes - before[index]).Max();
                var (readPer, sentPer) = ((Read(bench) - read) / total, (await SentAsync(bench, ours) - sent) / total);
                var ratio = theirs is null ? "" : Ratio(costs[ours], costs[theirs]) + (reading is null ? "" : $" ({Ratio(costs[ours], costs[reading])} with its sendfile off)");
                Row(bench, ours, costs[ours], ratio, count, Report.MiB(growth), Report.Number(readPer), Report.Number(sentPer));
                foreach (var other in new[] { theirs, reading }.OfType<Contender>()) Row(bench, other, costs[other], "", count, "", "", "");
                if (held is not null) bench.Report.Bound($"download, {ours.Name}, CPU against {held.Name}", costs[ours].Cost / costs[held].Cost, most);
                bench.Report.Bound($"download, {ours.Name}, growth in MiB", growth / 1048576.0, 64 + (count * 0.25));
                bench.Report.Bound($"download, {ours.Name}, file bytes read per byte", readPer, 1.1);
                bench.Report.Least($"download, {ours.Name}, file bytes read per byte", readPer, 0.95);
                bench.Report.Bound($"download, {ours.Name}, bytes sent per byte", sentPer, ours == bench.Through ? 2.1 : 1.1);
                bench.Report.Least($"download, {ours.Name}, bytes sent per byte", sentPer, ours == bench.Through ? 1.9 : 0.95);
            }
        }
    }

    private static void Row(Bench bench, Contender contender, (double Cost, double Seconds) cost, string ratio, int count, params string[] rest) => bench.Report.Row(
        "Downloads", Head,
        [contender.Name, count.ToString(CultureInfo.InvariantCulture), Report.Number(cost.Cost), Report.Number(bench.Options.GiB * 1024 / cost.Seconds, "0"), ratio, .. rest]);

    private static string Ratio((double Cost, double Seconds) ours, (double Cost, double Seconds) theirs) => Report.Number(ours.Cost / theirs.Cost) + " ×";

    /// <returns>GiB.</returns>
    private static async Task<double> DownloadAsync(Bench bench, Contender contender, int streams)
    {
        var each = (long)(bench.Options.GiB * (1L << 30) / streams);
        await Task.WhenAll(Enumerable.Range(0, streams).Select(async _ =>
        {
            var movie = await contender.MovieAsync();
            using var connection = await Connection.OpenAsync(movie);
            for (var left = each; left > 0;)
            {
                var length = Math.Min(left, bench.MovieBytes);
                var (status, got, _) = await connection.AskAsync("GET", movie.PathAndQuery, $"Range: bytes=0-{length - 1}\r\n");
                Bench.Expect(status, 206);
                await connection.DrainAsync(got);
                left -= got;
            }
        }));
        return bench.Options.GiB;
    }

    private static double Read(Bench bench) => bench.Mdfs.Workers.Sum(worker => worker.ReadBytes);

    // Straight from workers the master has nothing to count.
    private static async Task<double> SentAsync(Bench bench, Contender ours, double? missing = null) =>
        await bench.Mdfs.MetricAsync("mdfs_worker_sent_bytes_total", missing) + (ours == bench.Through ? await bench.Mdfs.MetricAsync("mdfs_download_bytes_total", missing) : 0);
}
