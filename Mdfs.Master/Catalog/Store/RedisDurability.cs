namespace Mdfs.Master.Catalog.Store;

public enum DurabilityLevel
{
    /// <summary>What Redis has confirmed may be lost when its process is killed.</summary>
    Weak,

    /// <summary>What Redis has confirmed survives a kill of its process, but perhaps not a power loss.</summary>
    ProcessKillSafe,

    /// <summary>What Redis has confirmed is on disk.</summary>
    Strong,
}

/// <summary>How far Redis' word can be trusted, as its settings say (design, section 2.6).</summary>
/// <param name="Server">Name and version.</param>
/// <param name="Sentence">What it means and what to change, for an operator.</param>
/// <param name="Refusal">Why this Redis must not be used at all, or null.</param>
public sealed record RedisDurability(DurabilityLevel Level, string Server, string Sentence, string? Refusal)
{
    /// <param name="server">Name and version.</param>
    /// <param name="garnet">Whether it is Garnet.</param>
    /// <param name="settings">What CONFIG GET told; what it did not tell is missing.</param>
    public static RedisDurability Judge(string server, bool garnet, IReadOnlyDictionary<string, string> settings)
    {
        var level = garnet ? OfGarnet(settings, out var sentence) : OfRedis(settings, out sentence);
        return new RedisDurability(level, server, sentence, Eviction(settings));
    }

    private static string? Eviction(IReadOnlyDictionary<string, string> settings)
    {
        var policy = settings.GetValueOrDefault("maxmemory-policy", "noeviction");
        if (policy == "noeviction" || settings.GetValueOrDefault("maxmemory", "0") is "0" or "") return null;
        return $"Redis throws keys away when its memory is full (maxmemory-policy {policy}): movies would vanish from the catalog. Set maxmemory-policy to noeviction.";
    }

    private static DurabilityLevel OfRedis(IReadOnlyDictionary<string, string> settings, out string sentence)
    {
        if (!settings.TryGetValue("appendonly", out var appendOnly))
        {
            sentence = "Redis does not tell how it keeps its data (CONFIG GET is not allowed); make sure that it runs with appendonly yes and appendfsync always.";
            return DurabilityLevel.Weak;
        }

        if (appendOnly != "yes")
        {
            sentence = settings.GetValueOrDefault("save") is { Length: > 0 }
                ? "Redis only writes snapshots from time to time: a crash loses the movies and deletions since the last one until the workers report them. Set appendonly yes and appendfsync always."
                : "Redis keeps nothing on disk: a restart loses the catalog until the workers report it. Set appendonly yes and appendfsync always.";
            return DurabilityLevel.Weak;
        }

        switch (settings.GetValueOrDefault("appendfsync"))
        {
            case "always":
                sentence = "Redis fsyncs every transaction before it confirms it.";
                return DurabilityLevel.Strong;
            case "everysec":
                // Measured: its append-only file is written before the answer but in the background when an fsync is slow; a kill once lost 999 of 1000.
                sentence = "Redis fsyncs once a second: a crash may lose what it confirmed in the last seconds. Set appendfsync always.";
                return DurabilityLevel.Weak;
            default:
                sentence = "Redis leaves it to the operating system when data reaches the disk: a crash may lose what it confirmed. Set appendfsync always.";
                return DurabilityLevel.Weak;
        }
    }

    private static DurabilityLevel OfGarnet(IReadOnlyDictionary<string, string> settings, out string sentence)
    {
        if (settings.GetValueOrDefault("appendonly") == "no")
        {
            sentence = "Garnet runs without its log: a restart loses the catalog until the workers report it. Start it with --aof, --recover and --aof-commit-wait.";
            return DurabilityLevel.Weak;
        }

        // How it commits its log cannot be asked for, so no more is claimed than the embedded one is known to keep on any disk.
        sentence = "Garnet with its log: what it confirmed survives a kill of its process; after a power loss it depends on how its log is written.";
        return DurabilityLevel.ProcessKillSafe;
    }
}
