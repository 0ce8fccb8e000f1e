namespace Mdfs.AppHost.Resources;

/// <summary>
/// What stands on the command line. Stricter than the framework's own reader, which ignores what it does not know and takes any environment variable called PORT or DATA for an option of ours.
/// The options are those of Mdfs.Standalone, as far as there is such a thing here; the rest is refused, and never ignored.
/// </summary>
internal sealed class Arguments
{
    public const string Help = """
        MDFS Pro under .NET Aspire: a master, workers, the console, and Redis, Prometheus and Grafana where a container runtime answers.

        --port 8080            The port of console and API; the workers take the ones after it, the master the one after theirs. 0: free ports.
        --workers 3            How many workers.
        --fronts 0             How many front ends besides, which send movies themselves.
        --data DIRECTORY       Where everything is kept. Default: mdfs in your local application data.
        --environment NAME     Development: well-known admin key. Anything else: own keys.
        --help                 This text.

        --Parameters:admin-key=KEY         A key of your own; cluster-key and redis-password likewise.
        --Mdfs:Containers=false            No containers, even where Docker or Podman answers.
        --operation publish, --publisher   See docs/operations.md.

        Every other setting by its name, for all services:  --Mdfs:Master:ReplicationFactor=3
        """;

    private static readonly string[] _own = ["port", "workers", "fronts", "data"];

    // Of the host, and of the tools that start it.
    private static readonly string[] _framework = ["environment", "applicationName", "contentRoot", "urls", "operation", "publisher", "output-path", "step", "log-level"];

    // What the host and Aspire read of configuration; of our own sections there are two.
    private static readonly string[] _sections = ["Mdfs", "Parameters", "AppHost", "Aspire", "Azure", "Dashboard", "DcpPublisher", "Logging", "Pipeline", "Publishing", "ResourceNotifications"];

    private static readonly Dictionary<string, string> _notHere = new(StringComparer.OrdinalIgnoreCase)
    {
        ["host"] = "Under Aspire console and API listen on this machine only: there is no --host. Mdfs.Standalone has it.",
        ["redis"] = "Under Aspire the AppHost starts the store itself: there is no --redis. Mdfs.Standalone has it.",
    };

    private static readonly Dictionary<string, string> _parameters = new(StringComparer.OrdinalIgnoreCase) { ["Mdfs:AdminKey"] = "admin-key", ["Mdfs:ClusterKey"] = "cluster-key" };

    private static readonly string[] _known = [.. _parameters.Values, "redis-password"];

    private readonly Dictionary<string, string> _options = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _settings = new(StringComparer.OrdinalIgnoreCase);

    private Arguments()
    {
    }

    /// <summary>Settings for all services, under their names in configuration.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>What was given for an option of ours, or null.</summary>
    public string? this[string option] => _options.GetValueOrDefault(option);

    public static bool AskForHelp(string[] args) => args.Any(static arg => arg is "--help" or "-h" or "-?");

    /// <param name="publishes">Then the tools of Aspire give options of theirs, of which there are more with every version.</param>
    /// <exception cref="DistributedApplicationException">An option is unknown or has no value.</exception>
    public static Arguments Read(string[] args, bool publishes)
    {
        var read = new Arguments();
        for (var i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                throw new DistributedApplicationException($"'{args[i]}' is not an option. --help lists them.");

            var equals = args[i].IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? args[i][2..] : args[i][2..equals];
            var value = equals >= 0 ? args[i][(equals + 1)..] : i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i] : null;
            read.Take(name, value, publishes);
        }

        return read;
    }

    private static void RefuseUnknown(string name)
    {
        if (name.Split(':') is not [var section, .. { Length: > 0 } rest])
        {
            // With an underscore: a variable of the environment, such as ASPIRE_CONTAINER_RUNTIME.
            if (name.Contains('_', StringComparison.Ordinal) || _framework.Contains(name, StringComparer.OrdinalIgnoreCase)) return;
            throw new DistributedApplicationException($"There is no option --{name}. --help lists them; settings are given by their whole name, as in --Mdfs:Master:ReplicationFactor=3.");
        }

        if (!_sections.Contains(section, StringComparer.OrdinalIgnoreCase))
            throw new DistributedApplicationException($"Nobody here reads --{name}: settings of the services begin with Mdfs:, keys with Parameters:. --help lists the options.");
        if (section.Equals("Parameters", StringComparison.OrdinalIgnoreCase) && !_known.Contains(string.Join(':', rest), StringComparer.OrdinalIgnoreCase))
            throw new DistributedApplicationException($"There is no parameter --{name}; there are {string.Join(", ", _known)}.");
    }

    private void Take(string name, string? value, bool publishes)
    {
        if (_notHere.TryGetValue(name, out var why)) throw new DistributedApplicationException(why);
        if (_parameters.TryGetValue(name, out var parameter)) throw new DistributedApplicationException($"Under Aspire keys are parameters: --Parameters:{parameter}=… instead of --{name}.");
        var own = _own.Contains(name, StringComparer.OrdinalIgnoreCase);
        var setting = name.StartsWith("Mdfs:", StringComparison.OrdinalIgnoreCase);
        if (!own && !publishes) RefuseUnknown(name);
        if (!own && !setting) return;
        if (value is null) throw new DistributedApplicationException($"--{name} needs a value.");
        if (own) _options[name] = value;
        // Ours alone: whether there are containers.
        else if (!name.Equals("Mdfs:Containers", StringComparison.OrdinalIgnoreCase)) _settings[name] = value;
    }
}
