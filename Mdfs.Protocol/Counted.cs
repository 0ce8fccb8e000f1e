using System.Globalization;

namespace Mdfs.Protocol;

/// <summary>How many of something, in English: one is not many.</summary>
public static class Counted
{
    public static string Of(long count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}
