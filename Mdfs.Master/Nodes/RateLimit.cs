using System.Globalization;
using Mdfs.Master.Files;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Nodes;

/// <summary>Bytes per second as a parameter: a limit over all copies of a rebalance or a drain.</summary>
internal static class RateLimit
{
    /// <summary>Slower, nothing would ever end.</summary>
    private const long Least = 65536;

    public static Problem Bad => FileProblems.BadParameter($"bytesPerSecond must be a whole number of {Least} at least, or 0 for no limit.");

    /// <param name="limit">Null: none was given; 0: no limit.</param>
    public static bool TryParse(string? text, out long? limit)
    {
        limit = null;
        if (string.IsNullOrEmpty(text)) return true;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is > 0 and < Least) return false;
        limit = number;
        return true;
    }
}
