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
/// <param name="Movies">In the order of the folders.</param>
/// <param name="Unreadable">What could not even be looked at, each the failure of one movie or folder.</param>
internal sealed record LocalMovies(IReadOnlyList<FileSource> Movies, IReadOnlyList<Outcome> Unreadable)
{
    private const string Joint = " - ";

    /// <summary>What .NET reads where a name on the disk is not UTF-8; no file can be opened by it.</summary>
    private const char Undecodable = '\uFFFD';

    /// <summary>A file counts as it is, whatever its extension; from a folder, and all below it, come the video files.</summary>
    /// <param name="everything">Files of any extension.</param>
    /// <exception cref="CliException">Something given is not there.</exception>
    public static LocalMovies Find(IEnumerable<string> paths, Naming naming, bool everything)
    {
        var search = new Search(naming, new NameRules(everything ? [] : NameRules.DefaultExtensions));
        foreach (var path in paths)
        {
            if (File.Exists(path)) search.Found.Add(FileSource.Of(Path.GetFileName(path), new FileInfo(path)));
            else if (Directory.Exists(path)) search.Below(new DirectoryInfo(path), "");
            else throw new CliException($"There is no file or folder {path}.", ExitCodes.Usage);
        }

        if (search.Found.Count + search.Unreadable.Count == 0) throw new CliException("There is no video file in there. --all-files takes all.", ExitCodes.NotFound);
        return new LocalMovies(search.Found, search.Unreadable);
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

    private sealed class Search(Naming naming, NameRules rules)
    {
        public List<FileSource> Found { get; } = [];

        public List<Outcome> Unreadable { get; } = [];

        /// <summary>Files with a dot in front are not meant to be seen; folders behind links could lead round in circles.</summary>
        public void Below(DirectoryInfo folder, string prefix)
        {
            foreach (var entry in Try(folder, Entries) ?? [])
            {
                if (entry is DirectoryInfo { LinkTarget: null } below) Below(below, $"{prefix}{below.Name}{Joint}");
                else if (entry is FileInfo file && IsMovie(file.Name) && Try(file, () => FileSource.Of(naming == Naming.Path ? prefix + file.Name : file.Name, file)) is { } movie) Found.Add(movie);
            }

            List<FileSystemInfo> Entries() => [.. folder.EnumerateFileSystemInfos().Where(entry => !entry.Name.StartsWith('.')).OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }

        /// <summary>What fails here fails alone: the rest of a library is not to wait for one folder.</summary>
        private T? Try<T>(FileSystemInfo entry, Func<T> look)
            where T : class
        {
            try
            {
                if (!entry.Name.Contains(Undecodable) || Path.Exists(entry.FullName)) return look();
                throw new CliException("This name is not UTF-8, and nothing can be opened by it. Rename it first.", ExitCodes.Failed);
            }
            catch (Exception e) when (CliException.From(e) is { } failure)
            {
                Unreadable.Add(Outcome.Failed(entry.Name, entry.FullName, failure));
                return null;
            }
        }

        // By the extension alone: that a name cannot be stored is something to be told, not to be left out in silence.
        private bool IsMovie(string name) => rules.TryAccept($"movie{Path.GetExtension(name)}", out _, out _);
    }
}
