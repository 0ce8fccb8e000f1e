using System.Globalization;
using System.Runtime.InteropServices;

namespace Mdfs.Benchmarks.Load;

/// <summary>What was measured, as tables in Markdown; and what is beyond its bound.</summary>
internal sealed class Report
{
    private readonly List<string> _failures = [];
    private string? _table;

    public IReadOnlyList<string> Failures => _failures;

    public static void Introduce(bool nginx)
    {
        var processor = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[^1].Trim() : null;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} × {processor}, {RuntimeInformation.FrameworkDescription}, nginx {(nginx ? "beside it" : "is not installed")}"));
    }

    /// <summary>A row of a table, whose first row is its head.</summary>
    public void Row(string table, string head, params string[] cells)
    {
        if (_table != table)
        {
            _table = table;
            var columns = head.Split('|');
            Console.WriteLine($"\n{table}\n\n| {string.Join(" | ", columns.Select(column => column.Trim()))} |\n|{string.Concat(Enumerable.Repeat("---|", columns.Length))}");
        }

        Console.WriteLine($"| {string.Join(" | ", cells)} |");
    }

    /// <summary>Notes a figure that is beyond what noise explains.</summary>
    public void Bound(string what, double value, double most)
    {
        if (value > most) _failures.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {value:0.00}, at most {most:0.00}"));
    }

    /// <summary>The same for one that would be too good: then it was not measured.</summary>
    public void Least(string what, double value, double least)
    {
        if (!(value >= least)) _failures.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {value:0.00}, at least {least:0.00}"));
    }

    public static string Number(double value, string format = "0.00") => value.ToString(format, CultureInfo.InvariantCulture);

    public static string MiB(long bytes) => Number(bytes / 1024.0 / 1024.0, "0");

    /// <param name="share">0.5 for the median.</param>
    public static double Percentile(IReadOnlyList<double> sorted, double share) => sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];
}
