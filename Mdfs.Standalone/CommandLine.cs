using Microsoft.Extensions.Configuration;

namespace Mdfs.Standalone;

/// <summary>
/// What stands on the command line, as configuration: the short options below <c>Mdfs:Standalone</c>, everything with a colon in its name as
/// it is. Stricter than the framework's own reader, which ignores what it does not know.
/// </summary>
internal static class CommandLine
{
    public const string Section = "Mdfs:Standalone";

    public const string Help = """
        MDFS Pro in one process: a master, workers, and the embedded store for the catalog.

        --port 8080            The master's port; the workers take the ones after it. 0: free ports.
        --workers 3            How many workers.
        --data DIRECTORY       Where everything is kept. Default: mdfs in your local application data.
        --host 127.0.0.1       The address the master listens on; * for all.
        --redis CONNECTION     A Redis to keep the catalog in, instead of the embedded store.
        --environment NAME     Development: well-known key, this machine only. Anything else: own keys.
        --help                 This text.

        Every other setting by its name, for all services:  --Mdfs:Master:ReplicationFactor=3
        or in the environment:                               Mdfs__Master__ReplicationFactor=3
        """;

    private static readonly Dictionary<string, string> _short = new(StringComparer.OrdinalIgnoreCase)
    {
        ["port"] = $"{Section}:Port",
        ["workers"] = $"{Section}:Workers",
        ["data"] = $"{Section}:Data",
        ["host"] = $"{Section}:Host",
        ["redis"] = "ConnectionStrings:redis",
        ["environment"] = HostDefaults.EnvironmentKey,
    };

    /// <summary>Null: help was asked for.</summary>
    /// <exception cref="StandaloneException">An option is unknown or has no value.</exception>
    public static IReadOnlyDictionary<string, string?>? Parse(IReadOnlyList<string> args)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] is "--help" or "-h" or "-?")
                return null;
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                throw new StandaloneException($"'{args[i]}' is not an option. --help lists them.");

            var equals = args[i].IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? args[i][2..] : args[i][2..equals];
            var key = name.Contains(':', StringComparison.Ordinal) ? name : _short.GetValueOrDefault(name)
                ?? throw new StandaloneException($"There is no option --{name}. --help lists them; settings are given by their whole name, as in --Mdfs:Master:ReplicationFactor=3.");
            if (equals < 0 && (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal)))
                throw new StandaloneException($"--{name} needs a value.");
            settings[key] = equals < 0 ? args[++i] : args[i][(equals + 1)..];
        }
        return settings;
    }

    /// <summary>The options that configuration holds, whether they came from the command line or the environment.</summary>
    /// <exception cref="StandaloneException">A number is none, or out of its bounds.</exception>
    public static StandaloneOptions Options(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var data = section["Data"];
        return new StandaloneOptions
        {
            Port = Number(section["Port"], "--port", 8080, 0, 65535),
            Workers = Number(section["Workers"], "--workers", 3, 1, StandaloneOptions.MostWorkers),
            Host = section["Host"] is { Length: > 0 } host ? host : "127.0.0.1",
            DataDirectory = data is null ? StandaloneOptions.DefaultDataDirectory() : data.Length > 0 ? data : throw new StandaloneException("--data needs a directory."),
            Redis = configuration.GetConnectionString("redis") is { Length: > 0 } redis ? redis : null,
            // The order in which the framework itself asks.
            Environment = configuration[HostDefaults.EnvironmentKey] ?? configuration["DOTNET_ENVIRONMENT"] ?? configuration["ASPNETCORE_ENVIRONMENT"] ?? Environments.Production,
            Settings = configuration,
        };
    }

    private static int Number(string? text, string option, int otherwise, int least, int most)
    {
        if (text is null)
            return otherwise;
        return int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new StandaloneException($"{option} must be a number from {least} to {most}, not '{text}'.");
    }
}
