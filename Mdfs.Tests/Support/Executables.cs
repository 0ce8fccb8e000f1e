using System.Runtime.InteropServices;

namespace Mdfs.Tests.Support;

/// <summary>Finds the programs of this solution that were built together with the tests.</summary>
public static class Executables
{
    /// <summary>The root of <c>dotnet</c> that runs the tests; programs are to run on the same one.</summary>
    public static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    /// <summary>The path of a project's executable; built into <c>artifacts/bin/&lt;project&gt;/&lt;configuration&gt;</c>, beside that of the tests.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static string Find(string project)
    {
        var ours = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var name = OperatingSystem.IsWindows() ? $"{project}.exe" : project;
        var path = Path.Combine(ours.Parent!.Parent!.FullName, project, ours.Name, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{project} was expected at {path}, built together with the tests.", path);
    }
}
