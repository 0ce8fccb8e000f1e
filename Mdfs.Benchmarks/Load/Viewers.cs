namespace Mdfs.Benchmarks.Load;

/// <summary>People: a thousand who have paused, and some dozens who watch and seek.</summary>
internal static class Viewers
{
    private const long BytesPerSecond = 25_000_000 / 8;

    /// <summary>What players that take nothing cost, once everybody has noticed that they do.</summary>
    public static async Task PausedAsync(Bench bench)
    {
        foreach (var (ours, theirs) in bench.Readers)
        {
            foreach (var contender in (Contender?[])[ours, theirs])
            {
                if (contender is null || (bench.Options.Check && contender != ours)) continue;
                // What the first ones bring with them (code, pools) is nobody's share.
                if (!bench.Options.Check) await PauseAsync(bench, contender, 20);
                var held = await PauseAsync(bench, contender, bench.Options.Players) / bench.Options.Players / 1024.0;
                bench.Report.Row($"{bench.Options.Players} paused players", "what | KiB each, over all server processes", contender.Name, Report.Number(held, "0"));
                if (contender == ours) bench.Report.Bound($"paused players, {contender.Name}, KiB each", held, 256 * (bench.Options.Check ? 2 : 1));
            }
        }
    }

    /// <summary>Players with four seconds in hand: open, look for the index at the end, play at 25 Mb/s, and seek in storms; how often a picture came too late.</summary>
    public static async Task PlayAsync(Bench bench)
    {
        const int Players = 24;
        foreach (var contender in (Contender?[])[bench.Through, bench.Direct, bench.Proxy])
        {
            if (contender is null) continue;
            // The first ones bring code and connections with them.
            await WatchAsync(bench, contender, Players, seconds: 5);
            var cpu = contender.CpuSeconds;
            var watches = await WatchAsync(bench, contender, Players, bench.Options.Seconds);
            var starts = watches.SelectMany(watch => watch.Starts).Order().ToList();
            var gib = watches.Sum(watch => watch.Taken) / (double)(1L << 30);
            bench.Report.Row($"{Players} players at 25 Mb/s for {bench.Options.Seconds} s, with seeks", "what | stalls | longest, s | seeks | until it plays, median ms | p99 ms | CPU s/GiB",
                contender.Name, $"{watches.Sum(watch => watch.Stalls)}", Report.Number(watches.Max(watch => watch.LongestStall)), $"{starts.Count}",
                Report.Number(Report.Percentile(starts, 0.5)), Report.Number(Report.Percentile(starts, 0.99)), Report.Number((contender.CpuSeconds - cpu) / gib));
        }
    }

    private static async Task<List<Watch>> WatchAsync(Bench bench, Contender contender, int players, int seconds)
    {
        var watches = Enumerable.Range(0, players).Select(number => new Watch(bench, contender, number)).ToList();
        await Task.WhenAll(watches.Select(watch => watch.RunAsync(seconds)));
        return watches;
    }

    private static async Task<long> PauseAsync(Bench bench, Contender contender, int players)
    {
        var before = contender.Servers().Sum(server => server.ResidentBytes);
        var connections = new List<Connection>();
        try
        {
            for (var number = 0; number < players; number++)
            {
                var movie = await contender.MovieAsync();
                // A small window, as of a player that holds its own buffer: what it does not take waits at the server.
                var connection = await Connection.OpenAsync(movie, buffer: 16 * 1024, window: 16 * 1024);
                connections.Add(connection);
                Bench.Expect((await connection.AskAsync("GET", movie.PathAndQuery, $"Range: bytes={number * 1000}-\r\n")).Status, 206);
            }

            // Longer than it takes a server to notice (PauseTimeout).
            await Task.Delay(TimeSpan.FromSeconds(8));
            return contender.Servers().Sum(server => server.ResidentBytes) - before;
        }
        finally
        {
            foreach (var connection in connections) connection.Dispose();
        }
    }

    private sealed class Watch(Bench bench, Contender contender, int number)
    {
        private const double InHand = 4;
        private readonly Random _random = new(number);

        public int Stalls { get; private set; }

        public double LongestStall { get; private set; }

        public long Taken { get; private set; }

        /// <summary>Milliseconds from each seek to a second of movie in hand.</summary>
        public List<double> Starts { get; } = [];

        public async Task RunAsync(int seconds)
        {
            var movie = await contender.MovieAsync();
            await ReadAsync(movie, 0, 256 * 1024);
            await ReadAsync(movie, bench.MovieBytes - (1 << 20), 1 << 20);
            var ends = TimeProvider.System.GetTimestamp() + (long)(seconds * (double)TimeProvider.System.TimestampFrequency);
            while (TimeProvider.System.GetTimestamp() < ends)
            {
                for (var storm = 0; storm < 4; storm++) await PlayAsync(movie, seconds: 0);
                await PlayAsync(movie, seconds: 5);
            }
        }

        private async Task ReadAsync(Uri movie, long from, long length)
        {
            using var connection = await OpenAsync(movie, from);
            await connection.DrainAsync(length);
            Taken += length;
        }

        private async Task PlayAsync(Uri movie, int seconds)
        {
            var asked = TimeProvider.System.GetTimestamp();
            var room = bench.MovieBytes - ((seconds + 8) * BytesPerSecond);
            using var connection = await OpenAsync(movie, _random.NextInt64(Math.Max(1, room)));
            await connection.DrainAsync(BytesPerSecond);
            Starts.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            var (began, taken) = (TimeProvider.System.GetTimestamp(), BytesPerSecond);
            while (TimeProvider.System.GetElapsedTime(began).TotalSeconds < seconds)
            {
                var ahead = (taken / (double)BytesPerSecond) - TimeProvider.System.GetElapsedTime(began).TotalSeconds;
                if (ahead > InHand)
                {
                    await Task.Delay(TimeSpan.FromSeconds(ahead - InHand));
                    continue;
                }

                taken += await connection.TakeAsync(64 * 1024);
                var late = TimeProvider.System.GetElapsedTime(began).TotalSeconds - (taken / (double)BytesPerSecond);
                if (late <= 0) continue;
                Stalls++;
                LongestStall = Math.Max(LongestStall, late);
                // The picture stood still; from here on it goes on.
                began += (long)(late * TimeProvider.System.TimestampFrequency);
            }

            Taken += taken;
        }

        private static async Task<Connection> OpenAsync(Uri movie, long from)
        {
            var connection = await Connection.OpenAsync(movie, buffer: 64 * 1024);
            Bench.Expect((await connection.AskAsync("GET", movie.PathAndQuery, $"Range: bytes={from}-\r\n")).Status, 206);
            return connection;
        }
    }
}
