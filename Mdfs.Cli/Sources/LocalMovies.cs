using System.Text;
using Mdfs.Cli.Transfer;
using Mdfs.Protocol.Names;

namespace Mdfs.Cli.Sources;

/// <summary>How a file in a folder is named in the cluster, which has no folders.</summary>
internal enum Naming
{
    /// <summary>As the file is.</summary>
    File,

    /// <summary>As its path below the folder that was given, the parts joined by <c> - </c>.</summary>
    Path,
}

/// <summary>The movies among local files and folders.</summary>
internal static class LocalMovies
{
    private const string Joint = " - ";

    /// <summary>A file counts as it is, whatever its extension; from a folder, and all below it, come the video files.</summary>
    /// <param name="everything">Files of any extension.</param>
    /// <exception cref="CliException">Something given is not there.</exception>
    public static IReadOnlyList<FileSource> Find(IEnumerable<string> paths, Naming naming, bool everything)
    {
        var rules = new NameRules(everything ? [] : NameRules.DefaultExtensions);
        var found = new List<FileSource>();
        foreach (var path in paths)
        {
            if (File.Exists(path)) found.Add(FileSource.Of(Path.GetFileName(path), new FileInfo(path)));
            else if (Directory.Exists(path)) found.AddRange(Below(new DirectoryInfo(path), "", naming, rules));
            else throw new CliException($"There is no file or folder {path}.", ExitCodes.Usage);
        }

        return found;
    }

    /// <exception cref="CliException">Two files would become one movie.</exception>
    public static void RequireDistinctNames(IEnumerable<FileSource> sources)
    {
        var clash = sources.GroupBy(source => Normal(source.Name), StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any());
        if (clash is null) return;
        throw new CliException(
            $"{string.Join(" and ", clash.Take(2).Select(source => source.Path))} would both be stored as '{clash.Key}'. Name them by their folders with --names path.", ExitCodes.Usage);
    }

    /// <summary>As the cluster compares names: composed and decomposed letters are the same.</summary>
    public static string Normal(string name) => FileName.TryParse(name, out var parsed, out _) ? parsed.Value : name;

    /// <summary>Files with a dot in front are not meant to be seen; folders behind links could lead round in circles.</summary>
    private static IEnumerable<FileSource> Below(DirectoryInfo folder, string prefix, Naming naming, NameRules rules)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos().Where(entry => !entry.Name.StartsWith('.')).OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (entry is DirectoryInfo below)
            {
                if (below.LinkTarget is not null) continue;
                foreach (var movie in Below(below, $"{prefix}{below.Name}{Joint}", naming, rules))
                    yield return movie;
            }
            else if (IsMovie(entry.Name, rules) && File.Exists(entry.FullName))
            {
                yield return FileSource.Of(naming == Naming.Path ? prefix + entry.Name : entry.Name, new FileInfo(entry.FullName));
            }
        }
    }

    // By the extension alone: that a name cannot be stored is something to be told, not to be left out in silence.
    private static bool IsMovie(string name, NameRules rules) => rules.TryAccept($"movie{Path.GetExtension(name)}", out _, out _);
}
