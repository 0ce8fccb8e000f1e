using System.Globalization;

namespace Mdfs.Benchmarks.Load;

/// <summary>
/// One command: a real cluster of processes with default settings, nginx beside it where it is installed, the same load on all of them in turn, and tables of what it cost
/// (design, section 11). Ratios are taken within one run; absolute figures mean little on a machine that others share.
/// </summary>
internal static class LoadDriver
{
    public const string Movie = "film.mp4";

    public static async Task<int> RunAsync(LoadOptions options)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.Error.WriteLine("The driver reads what processes cost from /proc, which only Linux has.");
            return 2;
        }

        var directory = Directory.CreateTempSubdirectory("mdfs-load-").FullName;
        try
        {
            using var mdfs = await MdfsServers.StartAsync(directory, workers: 3, options.Fresh);
            using var nginx = await NginxServers.TryStartAsync(directory);
            Report.Introduce(nginx is not null);
            var bench = new Bench(options, mdfs, nginx, new Report());
            try
            {
                await MeasureAsync(bench, directory);
            }
            catch
            {
                mdfs.TellLastWords();
                throw;
            }

            foreach (var failure in bench.Report.Failures) Console.Error.WriteLine($"Beyond its bound: {failure}");
            return options.Check && bench.Report.Failures.Count > 0 ? 1 : 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task MeasureAsync(Bench bench, string directory)
    {
        var options = bench.Options;
        await bench.StoreMovieAsync();
        if (options.Fill) PageCache.Fill(directory);
        await Downloads.RunAsync(bench);
        await SmallRequests.RangesAsync(bench);
        if (options.Wants("upload")) await Uploads.RunAsync(bench);
        if (options.Wants("first-byte")) await SmallRequests.FirstBytesAsync(bench);
        if (options.Wants("paused")) await Viewers.PausedAsync(bench);
        if (options.Wants("players")) await Viewers.PlayAsync(bench);
        if (options.Wants("failover")) await Failovers.RunAsync(bench);
        if (options.Wants("head")) await SmallRequests.HeadsAsync(bench);
    }
}

/// <summary>What all measurements share.</summary>
internal sealed class Bench(LoadOptions options, MdfsServers mdfs, NginxServers? nginx, Report report)
{
    private const int MostRounds = 12;

    public LoadOptions Options => options;

    public MdfsServers Mdfs => mdfs;

    public NginxServers? Nginx => nginx;

    public Report Report => report;

    public long MovieBytes => (long)options.MovieMiB << 20;

    /// <summary>Through the master.</summary>
    public Contender Through { get; } = new("MDFS", () => mdfs.All, () => Task.FromResult(new Uri(mdfs.Address, $"play?name={LoadDriver.Movie}")),
        name => (new Uri(mdfs.Address, $"api/files/{name}"), $"Authorization: Bearer {MdfsServers.Key}\r\n"));

    public Contender Direct { get; } = new("MDFS, direct", () => mdfs.All, async () =>
    {
        using var connection = await Connection.OpenAsync(mdfs.Address);
        return new Uri((await connection.AskAsync("GET", $"/play?name={LoadDriver.Movie}&direct=1")).Location ?? throw new InvalidOperationException("No direct link was given."));
    }, null);

    public Contender? Proxy { get; } = nginx is not { } two ? null : new("nginx proxy + nginx", () => [two.Front, two.Back], () => Task.FromResult(new Uri(two.FrontAddress, LoadDriver.Movie)),
        name => (new Uri(two.FrontAddress, name), ""));

    public Contender? Plain { get; } = nginx is not { } one ? null : new("nginx", () => [one.Back], () => Task.FromResult(new Uri(one.BackAddress, LoadDriver.Movie)), null);

    /// <summary><see cref="Plain"/> without the kernel's help.</summary>
    public Contender? Reading { get; } = nginx is not { } same ? null : new("nginx, sendfile off", () => [same.Back], () => Task.FromResult(new Uri(same.ReadingAddress, LoadDriver.Movie)), null);

    /// <summary>Each with what it is compared to, if that is there.</summary>
    public IEnumerable<(Contender Ours, Contender? Theirs)> Readers => [(Through, Proxy), (Direct, Plain)];

    /// <summary>Those of them by which a scenario is wanted.</summary>
    public IEnumerable<(Contender Ours, Contender? Theirs)> ReadersOf(string scenario) => Readers.Where(pair => options.Wants($"{scenario}-{(pair.Ours == Direct ? "direct" : "through")}"));

    public async Task StoreMovieAsync()
    {
        var (target, headers) = Through.Put!(LoadDriver.Movie);
        using (var connection = await Connection.OpenAsync(target)) Expect(await connection.PutAsync(target.PathAndQuery, MovieBytes, headers), 201);
        if (nginx is null) return;
        await using var file = File.Create(Path.Combine(nginx.Files, LoadDriver.Movie));
        for (var left = MovieBytes; left > 0; left -= Noise.Of(left).Length) await file.WriteAsync(Noise.Of(left));
    }

    /// <summary>The best of some rounds of all of them in turn: what each cost, in the unit that the measurement returns, and in seconds.</summary>
    /// <param name="tidyAsync">Done after each, and not counted.</param>
    /// <param name="most">In a short run: what the first of them may cost, in terms of the last. Noise is given further rounds to go away in, which it does and a fault does not.</param>
    public async Task<Measured> MeasureAsync(IEnumerable<Contender?> contenders, Func<Contender, Task<double>> measureAsync, Func<Contender, Task>? tidyAsync = null, double most = double.MaxValue)
    {
        var all = contenders.OfType<Contender>().ToList();
        var best = new Dictionary<Contender, (double Cost, double Seconds)>();
        var rounds = 0;
        for (; rounds < options.Rounds || (options.Check && rounds < MostRounds && best[all[0]].Cost > most * best[all[^1]].Cost); rounds++)
        {
            foreach (var contender in all)
            {
                var (cost, seconds) = await CostAsync(contender, measureAsync);
                if (tidyAsync is not null) await tidyAsync(contender);
                best[contender] = best.TryGetValue(contender, out var before) ? (Math.Min(before.Cost, cost), Math.Min(before.Seconds, seconds)) : (cost, seconds);
            }
        }

        return new Measured(best, rounds);
    }

    /// <summary>The same work, not counted, until it gets no cheaper: some seconds.</summary>
    public static async Task WarmUpAsync(Contender contender, Func<Contender, Task<double>> measureAsync, Func<Contender, Task>? tidyAsync = null)
    {
        var best = double.MaxValue;
        for (var (round, idle) = (0, 0); round < 20 && idle < 4; round++)
        {
            var (cost, _) = await CostAsync(contender, measureAsync);
            if (tidyAsync is not null) await tidyAsync(contender);
            idle = cost < best * 0.95 ? 0 : idle + 1;
            best = Math.Min(best, cost);
        }
    }

    private static async Task<(double Cost, double Seconds)> CostAsync(Contender contender, Func<Contender, Task<double>> measureAsync)
    {
        var (cpu, began) = (contender.CpuSeconds, TimeProvider.System.GetTimestamp());
        var units = await measureAsync(contender);
        return ((contender.CpuSeconds - cpu) / units, TimeProvider.System.GetElapsedTime(began).TotalSeconds);
    }

    public static void Expect(int status, params int[] expected)
    {
        if (!expected.Contains(status)) throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The answer was {status}."));
    }
}

/// <param name="Rounds">How many it took.</param>
internal sealed record Measured(IReadOnlyDictionary<Contender, (double Cost, double Seconds)> Costs, int Rounds);
