using System.Globalization;

namespace Mdfs.Protocol.Http;

/// <summary>The three date formats a recipient must read, and the one a sender may write (RFC 9110, 5.6.7).</summary>
public static class HttpDate
{
    private const string Months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    private const string ShortDays = "MonTueWedThuFriSatSun";
    private static readonly string[] _longDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    /// <summary>Writes the preferred format, for example <c>Sun, 06 Nov 1994 08:49:37 GMT</c>.</summary>
    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("r", CultureInfo.InvariantCulture);

    /// <summary>The same moment in UTC, rounded down to the second, which is all that HTTP can say.</summary>
    public static DateTimeOffset WholeSeconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);

    /// <summary>
    /// Reads a date; <see langword="false"/> for anything else, a missing one included. Case matters, as the grammar says. The name of the
    /// weekday has to be one but is not held against the date. <paramref name="now"/> settles two-digit years: a date that would lie more
    /// than 50 years ahead belongs to the century before.
    /// </summary>
    public static bool TryParse(string? text, DateTimeOffset now, out DateTimeOffset time)
    {
        var date = text.AsSpan().Trim(" \t");
        return TryFixed(date, out time) || TryRfc850(date, now, out time) || TryAsctime(date, out time);
    }

    // Sun, 06 Nov 1994 08:49:37 GMT
    private static bool TryFixed(ReadOnlySpan<char> date, out DateTimeOffset time)
    {
        time = default;
        return date.Length == 29 && Index(ShortDays, date[..3]) >= 0 && date[3..5] is ", " && date[7] == ' ' && date[11] == ' '
            && date[16] == ' ' && date[25..] is " GMT" && TryNumber(date[12..16], out var year)
            && TryBuild(year, date[8..11], date[5..7], date[17..25], out time);
    }

    // Sunday, 06-Nov-94 08:49:37 GMT
    private static bool TryRfc850(ReadOnlySpan<char> date, DateTimeOffset now, out DateTimeOffset time)
    {
        time = default;
        var comma = date.IndexOf(',');
        if (comma < 0 || date.Length != comma + 24 || !IsLongDay(date[..comma]))
            return false;

        date = date[(comma + 1)..];
        if (date[0] != ' ' || date[3] != '-' || date[7] != '-' || date[10] != ' ' || date[19..] is not " GMT" || !TryNumber(date[8..10], out var year))
            return false;

        var latest = now.UtcDateTime.Year + 50;
        year = latest - ((latest - year) % 100);
        if (!TryBuild(year, date[4..7], date[1..3], date[11..19], out time))
            return false;

        return year < latest || time <= now.AddYears(50) || TryBuild(year - 100, date[4..7], date[1..3], date[11..19], out time);
    }

    // Sun Nov  6 08:49:37 1994
    private static bool TryAsctime(ReadOnlySpan<char> date, out DateTimeOffset time)
    {
        time = default;
        if (date.Length != 24 || Index(ShortDays, date[..3]) < 0 || date[3] != ' ' || date[7] != ' ' || date[10] != ' ' || date[19] != ' ')
            return false;

        var day = date[8] == ' ' ? date[9..10] : date[8..10];
        return TryNumber(date[20..], out var year) && TryBuild(year, date[4..7], day, date[11..19], out time);
    }

    private static bool TryBuild(int year, ReadOnlySpan<char> monthName, ReadOnlySpan<char> dayDigits, ReadOnlySpan<char> clock, out DateTimeOffset time)
    {
        time = default;
        var month = Index(Months, monthName) + 1;
        if (year is < 1 or > 9999 || month < 1 || !TryNumber(dayDigits, out var day) || day < 1 || day > DateTime.DaysInMonth(year, month))
            return false;
        if (clock[2] != ':' || clock[5] != ':' || !TryNumber(clock[..2], out var hour) || !TryNumber(clock[3..5], out var minute)
            || !TryNumber(clock[6..], out var second) || hour > 23 || minute > 59 || second > 60)
            return false;

        // A leap second, which .NET does not know, is told as the last ordinary second of its minute.
        time = new DateTimeOffset(year, month, day, hour, minute, Math.Min(second, 59), TimeSpan.Zero);
        return true;
    }

    private static bool IsLongDay(ReadOnlySpan<char> name)
    {
        foreach (var day in _longDays)
        {
            if (name.SequenceEqual(day))
                return true;
        }

        return false;
    }

    /// <summary>The place of a three-letter name in a row of such names, or -1.</summary>
    private static int Index(string names, ReadOnlySpan<char> name)
    {
        for (var i = 0; i < names.Length; i += 3)
        {
            if (name.SequenceEqual(names.AsSpan(i, 3)))
                return i / 3;
        }

        return -1;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
