namespace Mdfs.Standalone;

/// <summary>
/// The command line of Mdfs.AppHost where there is no Aspire: what is said of the cluster there in Aspire's words means the same here, and what there is not here is refused instead of being ignored.
/// </summary>
public static class EmbeddedArguments
{
    private const string Parameter = "--Parameters:";

    private static readonly Dictionary<string, string> _settings = new(StringComparer.OrdinalIgnoreCase) { ["admin-key"] = "--Mdfs:AdminKey", ["cluster-key"] = "--Mdfs:ClusterKey" };

    /// <summary>The arguments as <see cref="StandaloneProgram"/> takes them, or null.</summary>
    /// <param name="refusal">Why there are none, for whoever typed them.</param>
    public static string[]? Translate(IReadOnlyList<string> args, out string? refusal)
    {
        var translated = new List<string>();
        foreach (var arg in args)
        {
            var equals = arg.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? arg : arg[..equals];
            refusal = name switch
            {
                "--publisher" or "--operation" => "Publishing needs the Aspire packages, and your NuGet sources do not carry them. Add a source that does, such as nuget.org.",
                "--fronts" => "Front ends are for a cluster of several processes: --fronts needs the Aspire packages, and your NuGet sources do not carry them. Or start Mdfs.Web with Mdfs:Gateway:Enabled=true.",
                _ => null,
            };
            if (refusal is null && name.StartsWith(Parameter, StringComparison.OrdinalIgnoreCase))
            {
                if (_settings.TryGetValue(name[Parameter.Length..], out var setting))
                {
                    // Without a value, as with Aspire: the key that there would be anyway.
                    if (arg[name.Length..] != "=") translated.Add(setting + arg[name.Length..]);
                    continue;
                }

                refusal = $"There is no parameter {name[Parameter.Length..]} in the embedded cluster: admin-key and cluster-key are all.";
            }

            if (refusal is not null) return null;
            translated.Add(arg);
        }

        refusal = null;
        return [.. translated];
    }
}
