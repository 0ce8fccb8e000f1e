using System.Globalization;

namespace Mdfs.Benchmarks.Load;

/// <summary>What the driver is to do.</summary>
/// <param name="MovieMiB">Size of the movie that is read, in MiB.</param>
/// <param name="GiB">Bytes that each measurement of a download moves, in GiB.</param>
/// <param name="Rounds">Each measurement is taken so often, all contenders in turn; the best counts, since only noise makes it worse.</param>
/// <param name="Streams">How many at once, of downloads.</param>
/// <param name="Only">Parts of names of scenarios; empty: all.</param>
/// <param name="Fresh">The workers' VerifyFreshness; above 0 their kernel path is what is measured.</param>
/// <param name="Fill">The page cache is filled first.</param>
/// <param name="Check">Fails when a figure is worse than noise can explain; small sizes unless said otherwise.</param>
internal sealed record LoadOptions(
    int MovieMiB, double GiB, int Rounds, IReadOnlyList<int> Streams, int Players, int Seconds, IReadOnlyList<string> Only, bool Fill, bool Check, string Fresh)
{
    public const string Usage =
        """
        load: --movie MiB (512)  --gib N (2)  --rounds N (3)  --streams 1,4,64  --players N (1000)  --seconds N (20)
              --only a,b (all of: download-through, download-direct, upload, ranges-through, ranges-direct, head, first-byte, paused, players, failover; parts of names will do)
              --fresh 01:00:00   blocks checked within that time are sent by the kernel (Mdfs:Worker:VerifyFreshness; default: every block is checked every time)
              --fill             reads zeros first until the page cache has the memory, as on a server that has been up for a day (uploads cost less then)
              --check            less than a minute's worth, which fails when memory, bytes moved or (where nginx is) CPU are beyond what noise explains
        """;

    private static readonly string[] _known = ["--movie", "--gib", "--rounds", "--streams", "--players", "--seconds", "--only", "--fresh"];

    /// <exception cref="FormatException">What was given is not understood.</exception>
    public static LoadOptions Parse(IReadOnlyList<string> arguments)
    {
        var given = new Dictionary<string, string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] is "--check" or "--fill") given[arguments[i][2..]] = "";
            else if (_known.Contains(arguments[i]) && i + 1 < arguments.Count) given[arguments[i][2..]] = arguments[++i];
            else throw new FormatException(_known.Contains(arguments[i]) ? $"'{arguments[i]}' wants a value." : $"'{arguments[i]}' is none of the options.");
        }

        var check = given.ContainsKey("check");
        // Short rounds rather than a long one, and more of them where two do not do: the first are also those in which a process that has just started compiles itself.
        return new LoadOptions(
            (int)Number("movie", check ? 128 : 512), Number("gib", check ? 0.25 : 2), (int)Number("rounds", check ? 2 : 3),
            [.. given.GetValueOrDefault("streams", check ? "4" : "1,4,64").Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture))], (int)Number("players", check ? 200 : 1000),
            (int)Number("seconds", check ? 5 : 20), given.GetValueOrDefault("only")?.Split(',') ?? (check ? ["download", "upload", "ranges", "paused"] : []), given.ContainsKey("fill"), check, given.GetValueOrDefault("fresh", "00:00:00"));

        double Number(string name, double otherwise) => given.TryGetValue(name, out var text) ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;
    }

    public bool Wants(string scenario) => Only.Count == 0 || Only.Any(part => scenario.Contains(part, StringComparison.OrdinalIgnoreCase));
}
