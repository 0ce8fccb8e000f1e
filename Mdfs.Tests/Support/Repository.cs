namespace Mdfs.Tests.Support;

/// <summary>Files of the source tree that ship as they are.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static string File(string path) => Path.Combine(Root, path);

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(directory.FullName, "Mdfs.sln"))) return directory.FullName;
        }

        throw new DirectoryNotFoundException("The tests run outside the source tree.");
    }
}
