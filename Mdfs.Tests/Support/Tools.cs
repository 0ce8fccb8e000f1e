using System.Diagnostics.CodeAnalysis;

namespace Mdfs.Tests.Support;

/// <summary>
/// Programs that only tests need (<c>.ci/run</c> installs them). A test that misses one is skipped with the reason on a developer's
/// machine and fails in continuous integration, where nobody reads about skipped tests.
/// </summary>
public static class Tools
{
    /// <summary>Whether this is continuous integration: <c>CI=true</c> or <c>MDFS_CI=1</c>.</summary>
    public static bool InContinuousIntegration { get; } =
        Environment.GetEnvironmentVariable("CI") is "true" or "1" || Environment.GetEnvironmentVariable("MDFS_CI") is "true" or "1";

    /// <summary>The path of the first of the named programs that is on the PATH; else the calling test is skipped, or fails in continuous integration.</summary>
    public static string Require(params ReadOnlySpan<string> anyOf)
    {
        foreach (var name in anyOf)
        {
            if (TryFind(name, out var path))
                return path;
        }
        Lack($"{string.Join(" or ", anyOf.ToArray())} is not installed.");
        return "";
    }

    /// <summary>A browser that runs without a window; else the calling test is skipped, or fails in continuous integration. The first of them is what the others are without a window, for a quarter less processor time.</summary>
    public static string RequireBrowser() => Require("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome");

    /// <summary>This machine lacks what the calling test needs: it is skipped, or fails in continuous integration.</summary>
    public static void Lack(string reason)
    {
        if (InContinuousIntegration)
            Assert.Fail(reason);
        Assert.Skip(reason);
    }

    /// <summary>Looks a program up on the PATH.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out string? path)
    {
        var file = OperatingSystem.IsWindows() ? $"{name}.exe" : name;
        path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, file)).FirstOrDefault(File.Exists);
        return path is not null;
    }
}
