using System.Collections.Concurrent;

namespace Mdfs.Benchmarks.Load;

/// <summary>What players ask in between: pieces of 64 KiB, the first byte somewhere, HEAD and "has it changed?".</summary>
internal static class SmallRequests
{
    private const int Piece = 64 * 1024;

    public static async Task RangesAsync(Bench bench)
    {
        const int Connections = 16;
        var count = bench.Options.Check ? 2_000 : 40_000;
        const double Most = 2 * 2;
        foreach (var (ours, theirs) in bench.ReadersOf("ranges"))
        {
            var times = new Dictionary<Contender, List<IReadOnlyList<double>>>();
            // A server runs for months, and compiles what answers ranges in the first minute of them.
            if (!bench.Options.Check) await Bench.WarmUpAsync(ours, RangesAsync);
            times.Clear();
            // Straight from a worker is not held to one nginx; see Downloads.
            var (costs, _) = await bench.MeasureAsync([ours, theirs], RangesAsync, most: ours == bench.Through ? Most : double.MaxValue);
            foreach (var (contender, cost) in costs)
            {
                double? ratio = contender == ours && theirs is not null ? cost.Cost / costs[theirs].Cost : null;
                bench.Report.Row("Ranges of 64 KiB, 16 connections", "what | requests/s | CPU ms each | ratio to nginx | median ms | p99 ms",
                    contender.Name, Report.Number(count / cost.Seconds, "0"), Report.Number(cost.Cost, "0.000"), ratio is { } value ? Report.Number(value) + " ×" : "",
                    Best(contender, 0.5), Best(contender, 0.99));
                if (contender == bench.Through && ratio is { } against) bench.Report.Bound($"ranges, {contender.Name}, CPU against nginx", against, Most);
            }

            // Of the rounds, as of what they cost.
            string Best(Contender contender, double share) => Report.Number(times[contender].Min(round => Report.Percentile(round, share)));

            async Task<double> RangesAsync(Contender contender)
            {
                var round = await ManyAsync(bench, contender, Connections, count, (connection, target, random) =>
                {
                    var from = random.NextInt64(bench.MovieBytes - Piece);
                    return AskAsync(connection, target, $"Range: bytes={from}-{from + Piece - 1}\r\n", 206);
                });
                if (!times.TryGetValue(contender, out var rounds)) times[contender] = rounds = [];
                rounds.Add(round);
                return count / 1000.0;
            }
        }
    }

    /// <summary>From the request to the first byte of a movie from somewhere in the middle on, as after a seek.</summary>
    public static async Task FirstBytesAsync(Bench bench)
    {
        foreach (var contender in bench.Readers.SelectMany(pair => (Contender?[])[pair.Ours, pair.Theirs]).OfType<Contender>())
        {
            foreach (var connections in (int[])[1, 16])
            {
                var times = await ManyAsync(bench, contender, connections, 2000, async (_, target, random) =>
                {
                    // A player opens a connection for each seek, and breaks the one before off.
                    using var connection = await Connection.OpenAsync(target, buffer: Piece);
                    var (status, _, _) = await connection.AskAsync("GET", target.PathAndQuery, $"Range: bytes={random.NextInt64(bench.MovieBytes - Piece)}-\r\n");
                    Bench.Expect(status, 206);
                    await connection.DrainAsync(1);
                });
                bench.Report.Row("First byte after a seek, each by a new connection", "what | at once | median ms | p99 ms", contender.Name, $"{connections}",
                    Report.Number(Report.Percentile(times, 0.5)), Report.Number(Report.Percentile(times, 0.99)));
            }
        }
    }

    /// <summary>From the catalog alone, so that a dead worker does not matter.</summary>
    public static async Task HeadsAsync(Bench bench)
    {
        await MeasureAsync("all workers live");
        var again = bench.Mdfs.KillWorker(bench.Mdfs.Workers[0]);
        await MeasureAsync("a worker was just killed");
        again();

        async Task MeasureAsync(string when)
        {
            foreach (var (what, method, headers, status) in ((string, string, string, int)[])[("HEAD", "HEAD", "", 200), ("GET, answered 304", "GET", "If-None-Match: *\r\n", 304)])
            {
                var times = await ManyAsync(bench, bench.Through, 16, bench.Options.Check ? 4_000 : 40_000, async (connection, target, _) =>
                    Bench.Expect((await connection.AskAsync(method, target.PathAndQuery, headers)).Status, status));
                bench.Report.Row("HEAD and 304, 16 connections", "what | when | median ms | p99 ms | worst ms", what, when,
                    Report.Number(Report.Percentile(times, 0.5)), Report.Number(Report.Percentile(times, 0.99)), Report.Number(times[^1]));
            }
        }
    }

    private static async Task AskAsync(Connection connection, Uri target, string headers, int expected)
    {
        var (status, length, _) = await connection.AskAsync("GET", target.PathAndQuery, headers);
        Bench.Expect(status, expected);
        await connection.DrainAsync(length);
    }

    /// <returns>Milliseconds of each, sorted.</returns>
    private static async Task<List<double>> ManyAsync(Bench bench, Contender contender, int connections, int count, Func<Connection, Uri, Random, Task> askAsync)
    {
        var times = new ConcurrentBag<double>();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async number =>
        {
            var random = new Random(number);
            var target = await contender.MovieAsync();
            using var connection = await Connection.OpenAsync(target, buffer: Piece);
            for (var i = 0; i < count / connections; i++)
            {
                var began = TimeProvider.System.GetTimestamp();
                await askAsync(connection, target, random);
                times.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
            }
        }));
        return [.. times.Order()];
    }
}
