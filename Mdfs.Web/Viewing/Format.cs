using System.Globalization;
using Mdfs.Web.Texts;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>Numbers as people read them.</summary>
public static class Format
{
    private static readonly string[] _units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Bytes(double bytes)
    {
        var unit = 0;
        while (Math.Abs(bytes) >= 1024 && unit < _units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        var digits = unit == 0 || Math.Abs(bytes) >= 100 ? "0" : Math.Abs(bytes) >= 10 ? "0.#" : "0.##";
        return bytes.ToString(digits, CultureInfo.CurrentCulture) + " " + _units[unit];
    }

    public static string Rate(double bytesPerSecond) => Bytes(bytesPerSecond) + "/s";

    public static string Count(long count) => count.ToString("N0", CultureInfo.CurrentCulture);

    public static string Percent(double share)
    {
        // 99.999 % is not 100 %: something is missing still.
        var percent = share >= 1 ? 100 : Math.Min(Math.Floor(share * 1000) / 10, 99.9);
        return percent.ToString(percent is 100 or 0 ? "0" : "0.0", CultureInfo.CurrentCulture) + " %";
    }

    public static string Duration(double seconds, IStringLocalizer<Words> words)
    {
        var span = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, TimeSpan.MaxValue.TotalSeconds / 2));
        return span switch
        {
            { TotalSeconds: < 60 } => words["Time.Seconds", Math.Round(span.TotalSeconds).ToString(CultureInfo.CurrentCulture)],
            { TotalMinutes: < 60 } => words["Time.Minutes", (int)span.TotalMinutes],
            { TotalHours: < 48 } => words["Time.Hours", (int)span.TotalHours, span.Minutes],
            _ => words["Time.Days", (int)span.TotalDays],
        };
    }

    /// <summary>What something takes at least, which is never nothing.</summary>
    public static string AtLeast(double seconds, IStringLocalizer<Words> words) => Duration(Math.Max(1, seconds), words);

    public static string Moment(DateTimeOffset at, Viewer viewer) =>
        TimeZoneInfo.ConvertTime(at, viewer.TimeZone).ToString("yyyy-MM-dd HH:mm", CultureInfo.CurrentCulture);

    public static string MomentToTheSecond(DateTimeOffset at, Viewer viewer) =>
        TimeZoneInfo.ConvertTime(at, viewer.TimeZone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.CurrentCulture);

    public static string Clock(DateTimeOffset at, Viewer viewer) => TimeZoneInfo.ConvertTime(at, viewer.TimeZone).ToString("HH:mm:ss", CultureInfo.CurrentCulture);
}
