using Mdfs.Cli.Transfer;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Cli.Sources;

/// <summary>
/// Data directories of the original MDFS: each movie lies there under its name, with <c>name.checksum</c> beside it. Several directories (one
/// of each worker) hold copies of one another, of which any whole one will do.
/// </summary>
/// <param name="Name">Of the movie.</param>
/// <param name="Copies">In the order of the directories.</param>
internal sealed record ClassicMovie(string Name, IReadOnlyList<FileSource> Copies)
{
    private const string Suffix = ".checksum";

    /// <summary>Longer is no checksum.</summary>
    private const int MostBytes = 64 * 1024;

    /// <summary>Groups what was found by name.</summary>
    public static IReadOnlyList<ClassicMovie> Gather(IEnumerable<FileSource> files) =>
        [.. files.GroupBy(file => LocalMovies.Normal(file.Name), StringComparer.Ordinal).Select(static copies => new ClassicMovie(copies.Key, [.. copies]))];

    /// <summary>The first copy that arrives as its checksum says.</summary>
    /// <exception cref="CliException">No copy is whole, or they are different movies.</exception>
    public async Task<Outcome> StoreAsync(Upload upload, IMeter meter, CancellationToken cancellationToken)
    {
        var copies = Copies.Select(static copy => copy with { Expected = ExpectedOf(copy.Path) }).ToList();
        if (copies.Count > 1 && (copies[0].Expected is null || copies.Any(copy => copy.Expected != copies[0].Expected)))
            throw new CliException($"{Paths} are not known to be one movie, and would have one name. --names path names them by their folders.", ExitCodes.Failed);

        CliException? damaged = null;
        foreach (var copy in copies)
        {
            try
            {
                return await upload.RunAsync(copy, meter, cancellationToken);
            }
            catch (CliException e) when (e.ExitCode == ExitCodes.Damaged)
            {
                damaged = e;
            }
        }

        throw new CliException($"{Paths}: the bytes are not those that the checksum file speaks of. {damaged!.Message}", ExitCodes.Damaged, damaged);
    }

    private string Paths => string.Join(" and ", Copies.Select(static copy => copy.Path));

    /// <summary>The first word of the file beside it; null when there is none.</summary>
    private static Checksum? ExpectedOf(string movie)
    {
        var file = new FileInfo(movie + Suffix);
        if (!file.Exists) return null;
        var text = file.Length <= MostBytes ? File.ReadAllText(file.FullName) : "";
        var word = text.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "";
        return Checksum.TryParse(word, out var checksum) ? checksum
            : throw new CliException($"{file.FullName} does not begin with the 8 hex digits of a CRC-32. Remove it to import {Path.GetFileName(movie)} unchecked.", ExitCodes.Usage);
    }
}
