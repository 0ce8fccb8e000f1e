using System.Runtime.CompilerServices;

namespace Mdfs.Tests.Support;

/// <summary>
/// For all programs that tests start. Most live for seconds, in which the runtime compiles what they run, and then, since it is run often enough, compiles it a second and a third time: nobody stays
/// to enjoy that. Measured for Garnet, a master and three workers: 9.2 s of processor time instead of 13.5 until all are there, and 2.1 instead of 8.3 in the five seconds after that.
/// </summary>
internal static class ShortLives
{
    /// <summary>What says so in the environment.</summary>
    public static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        // Code that watches itself, so that it can be compiled better later.
        ["DOTNET_TieredPGO"] = "0",
        // That later: once nothing new was run for so many milliseconds, in hexadecimal. A tenth of a second is usual.
        ["DOTNET_TC_CallCountingDelayMs"] = "1000",
        // A thread that collects beside the others, and what it needs: a sixteenth of a start.
        ["DOTNET_gcConcurrent"] = "0",
    };

    [ModuleInitializer]
    internal static void Begin()
    {
        foreach (var (name, value) in Settings) Environment.SetEnvironmentVariable(name, value);
    }
}
