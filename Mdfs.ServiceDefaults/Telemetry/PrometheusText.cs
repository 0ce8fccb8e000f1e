using System.Globalization;
using System.Text;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// Puts the classic lines in front of the exporter's text (exposition format 0.0.4). A family that both have is taken from the classic ones, since a
/// family must not come twice; the exporter's empty braces (<c>name{} 5</c>) go.
/// </summary>
internal static class PrometheusText
{
    public const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Compose(IEnumerable<ClassicMetric> classic, string exported)
    {
        var text = new StringBuilder(exported.Length + 1024);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var metric in classic)
        {
            if (!taken.Add(metric.Name)) continue;
            text.Append("# HELP ").Append(metric.Name).Append(' ').Append(Escape(metric.Help)).Append('\n');
            text.Append("# TYPE ").Append(metric.Name).Append(' ').Append(metric.Type).Append('\n');
            text.Append(metric.Name).Append(' ').Append(Number(metric.Value)).Append('\n');
        }

        foreach (var line in exported.AsSpan().EnumerateLines())
        {
            if (line.IsEmpty || taken.GetAlternateLookup<ReadOnlySpan<char>>().Contains(FamilyOf(line))) continue;
            // Comments other than these two (an exporter's "# EOF") are of no use here.
            if (line[0] == '#' && !line.StartsWith("# HELP ") && !line.StartsWith("# TYPE ")) continue;
            AppendWithoutEmptyBraces(text, line);
        }

        return text.ToString();
    }

    // Classic metrics are gauges and counters, which have no _bucket, _sum or _count: the name is the family.
    private static ReadOnlySpan<char> FamilyOf(ReadOnlySpan<char> line)
    {
        if (line.StartsWith("# HELP ") || line.StartsWith("# TYPE ")) line = line["# HELP ".Length..];
        var end = line.IndexOfAny(' ', '{');
        return end < 0 ? line : line[..end];
    }

    private static void AppendWithoutEmptyBraces(StringBuilder text, ReadOnlySpan<char> line)
    {
        var braces = line[0] == '#' ? -1 : line.IndexOf("{} ");
        if (braces < 0) text.Append(line);
        else text.Append(line[..braces]).Append(line[(braces + 2)..]);
        text.Append('\n');
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString(value == Math.Floor(value) && Math.Abs(value) < 1e15 ? "F0" : "R", CultureInfo.InvariantCulture),
    };

    private static string Escape(string help) => help.Replace("\\", @"\\").Replace("\n", @"\n");
}
