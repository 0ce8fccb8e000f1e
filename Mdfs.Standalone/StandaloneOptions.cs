using Microsoft.Extensions.Configuration;

namespace Mdfs.Standalone;

/// <summary>What a <see cref="StandaloneCluster"/> is to be; read once, when it is made.</summary>
public sealed record StandaloneOptions
{
    /// <summary>Where keys, catalog and movies are kept; one cluster at a time. A relative path counts from the current directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The master's TCP port; the workers take the ones after it. 0: free ports for all. Default 8080.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>How many workers, <c>worker-1</c> and so on. Default 3; 1 to <see cref="MostWorkers"/>.</summary>
    public int Workers { get; init; } = 3;

    /// <summary>
    /// The address on which the master listens: an IP address, <c>localhost</c>, or <c>*</c> for all. Default 127.0.0.1. The workers are reached
    /// only by this process and so listen on loopback whatever stands here.
    /// </summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>A connection string of StackExchange.Redis to use instead of the embedded store; null: the embedded store.</summary>
    public string? Redis { get; init; }

    /// <summary>The hosting environment of all services: Development brings well-known keys (design, section 8). Default Production.</summary>
    public string Environment { get; init; } = Environments.Production;

    /// <summary>Settings for every service (<c>Mdfs:Master:…</c>, <c>Mdfs:Worker:…</c>, <c>Logging:…</c>). What wires the services together is set over them.</summary>
    public IConfiguration? Settings { get; init; }

    /// <summary>Called with the name (<c>master</c>, <c>worker-1</c> …) and the builder of each service before each of its starts, after everything else was added.</summary>
    public Action<string, WebApplicationBuilder>? Configure { get; init; }

    /// <summary>Takes the embedded store's messages; none when null.</summary>
    public ILoggerFactory? StoreLogs { get; init; }

    /// <summary>More than that on one machine is a mistyped number.</summary>
    public const int MostWorkers = 64;

    /// <summary>
    /// Where data is kept when nobody says where: <c>mdfs</c> in the user's local application data, which on Linux is XDG_DATA_HOME or
    /// <c>~/.local/share</c>. Never the current directory, which is another one each time.
    /// </summary>
    /// <exception cref="StandaloneException">This user has no such directory.</exception>
    public static string DefaultDataDirectory()
    {
        var home = System.Environment.GetFolderPath(System.Environment.SpecialFolder.LocalApplicationData, System.Environment.SpecialFolderOption.DoNotVerify);
        return home.Length > 0 ? Path.Combine(home, "mdfs") : throw new StandaloneException("This user has no home directory: say with --data where the data is to be kept.");
    }
}
