using System.Collections.Concurrent;
using System.Globalization;

namespace Mdfs.Benchmarks.Load;

/// <summary>Movies on their way in, by one and by four at once: ours are on two disks and fsynced when the answer comes, nginx' are one copy in the page cache.</summary>
internal static class Uploads
{
    private static int _number;

    public static async Task RunAsync(Bench bench)
    {
        foreach (var streams in bench.Options.Check ? [1] : (int[])[1, 4])
        {
            var stored = new ConcurrentBag<string>();
            // As with ranges; the short run looks at what noise and compiling together do not reach.
            if (!bench.Options.Check) await Bench.WarmUpAsync(bench.Through, UploadAsync, TidyAsync);
            var before = bench.Mdfs.All.Select(server => server.ResidentBytes).ToList();
            foreach (var server in bench.Mdfs.All) server.ForgetPeak();
            const double Most = 2 * 2.5;
            var (costs, _) = await bench.MeasureAsync([bench.Through, bench.Proxy], UploadAsync, TidyAsync, Most);
            var growth = bench.Mdfs.All.Select((server, index) => server.PeakResidentBytes - before[index]).Max();
            foreach (var (contender, cost) in costs)
            {
                var ours = contender == bench.Through;
                double? ratio = ours && bench.Proxy is not null ? cost.Cost / costs[bench.Proxy].Cost : null;
                bench.Report.Row("Uploads", "what | streams | CPU s/GiB | MiB/s | ratio to nginx | growth of any process, MiB",
                    contender.Name, streams.ToString(CultureInfo.InvariantCulture), Report.Number(cost.Cost), Report.Number(bench.Options.GiB * 512 / cost.Seconds, "0"), ratio is { } value ? Report.Number(value) + " ×" : "", ours ? Report.MiB(growth) : "");
                if (ratio is { } against) bench.Report.Bound("upload, CPU against nginx", against, Most);
            }

            bench.Report.Bound("upload, growth in MiB", growth / 1048576.0, 64 + streams);

            // GiB; half as much as downloads move: every byte goes to the disk twice.
            async Task<double> UploadAsync(Contender contender)
            {
                var each = (long)(bench.Options.GiB * (1L << 29) / streams);
                await Task.WhenAll(Enumerable.Range(0, streams).Select(async _ =>
                {
                    var name = string.Create(CultureInfo.InvariantCulture, $"upload-{Interlocked.Increment(ref _number)}.mp4");
                    var (target, headers) = contender.Put!(name);
                    using var connection = await Connection.OpenAsync(target);
                    Bench.Expect(await connection.PutAsync(target.PathAndQuery, each, headers), 201, 204);
                    stored.Add(name);
                }));
                return each * streams / (double)(1L << 30);
            }

            async Task TidyAsync(Contender contender)
            {
                using var http = new HttpClient { BaseAddress = bench.Mdfs.Address };
                http.DefaultRequestHeaders.Add("X-Mdfs-Secret", MdfsServers.Key);
                while (stored.TryTake(out var name))
                {
                    if (contender == bench.Through) (await http.DeleteAsync($"api/files/{name}")).EnsureSuccessStatusCode().Dispose();
                    else File.Delete(Path.Combine(bench.Nginx!.Files, name));
                }
            }
        }
    }
}
