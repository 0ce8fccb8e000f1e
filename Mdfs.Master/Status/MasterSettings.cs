using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Status;

/// <summary>One setting in force.</summary>
/// <param name="Key">What it is called in configuration.</param>
/// <param name="Value">As it is now; of a secret only <c>set</c> or <c>not set</c>.</param>
/// <param name="Default">What it is when nothing is configured; absent when there is no such value.</param>
/// <param name="Unit">What a number counts, where it is not plain from the value.</param>
/// <param name="Description">What it does, with its default and its bounds, as the source says it.</param>
public sealed record SettingFacts(string Key, string? Value, string? Default, string? Unit, string? Description);

public sealed record SettingGroup(string Name, IReadOnlyList<SettingFacts> Settings);

/// <summary>The settings that this master runs with. Those of workers are the workers' own.</summary>
public sealed record SettingsFacts(IReadOnlyList<SettingGroup> Groups);

/// <summary>
/// Reads the options classes themselves, so that the page cannot say anything else than the code: values from what is in force, defaults from a fresh instance,
/// descriptions from the comments above the properties (the build embeds these sources).
/// </summary>
public sealed partial class MasterSettings(
    IOptions<MasterOptions> master, IOptions<TransferOptions> transfer, IOptions<StreamOptions> streams, IOptions<SignedLinkOptions> links, IOptions<CatalogStoreOptions> store, IOptions<AdminKeyOptions> keys, IOptions<ClusterKeyOptions> cluster, IConfiguration configuration)
{
    private const string Secret = "set";
    private const string NoSecret = "not set";

    public SettingsFacts Facts() => new(
    [
        new SettingGroup("Master", [.. Read(MasterOptions.Section, master.Value)]),
        new SettingGroup("Transfer",
        [
            .. Read(MasterOptions.Section, transfer.Value).Concat(Read(MasterOptions.Section, streams.Value)).Where(setting => !setting.Key.EndsWith(":IdleTimeout", StringComparison.Ordinal)),
            .. Read(MasterOptions.Section, links.Value),
            new SettingFacts("Mdfs:SocketOutput", Text(configuration.GetValue("Mdfs:SocketOutput", true)), Text(true), null, "Whether movies go straight to their sockets on plain connections; if not, the server's own way."),
            new SettingFacts(LoopHosting.Setting, Text(LoopHosting.Count(configuration)), Text(LoopHosting.Usual), null, "Threads on which movies are sent (Linux); 0: the server sends them. Default one per processor, at most 8; 0 to 64."),
            new SettingFacts(LoopPipes.Setting, Text(LoopPipes.IsWanted(configuration)), Text(true), null, "Whether the system passes movies on from the worker's connection to the client's by itself (Linux); if not, they go through memory."),
        ]),
        new SettingGroup("Redis",
        [
            new SettingFacts($"ConnectionStrings:{ConfiguredRedis.ConnectionName}", Hidden(configuration.GetConnectionString(ConfiguredRedis.ConnectionName)), null, null, "Address of Redis or Garnet, and how to log on to it."),
            .. Read(MasterOptions.Section, store.Value).Where(setting => !setting.Key.EndsWith(":CommitWait", StringComparison.Ordinal)),
        ]),
        new SettingGroup("Access",
        [
            new SettingFacts("Mdfs:AdminKey", Hidden(keys.Value.AdminKey), null, null, "Opens everything that changes state."),
            new SettingFacts("Mdfs:ReaderKey", Hidden(keys.Value.ReaderKey), NoSecret, null, "When set, reading needs it or the admin key."),
            new SettingFacts("Mdfs:ClusterKey", Hidden(cluster.Value.ClusterKey), null, null, "Makes a process a node of this cluster; the same on every node."),
            new SettingFacts("Mdfs:KeyFailures", Text(keys.Value.KeyFailures), Text(new AdminKeyOptions().KeyFailures), "attempts", "Failed attempts of one address after which it is refused for a while."),
            new SettingFacts("Mdfs:FailureWindow", Text(keys.Value.FailureWindow), Text(new AdminKeyOptions().FailureWindow), null, "How long a failed attempt counts."),
            new SettingFacts("Mdfs:AllowedHosts", Joined("Mdfs:AllowedHosts"), null, null, "Host names under which the master answers, besides loopback names. With none given, outside Development, those that no stranger can make a DNS entry for."),
            new SettingFacts("Mdfs:Cors:AllowedOrigins", Joined("Mdfs:Cors:AllowedOrigins"), null, null, "Other origins whose web players may read."),
            new SettingFacts("Mdfs:TrustedProxies", Joined("Mdfs:TrustedProxies"), null, null, "Proxies whose X-Forwarded-For is believed."),
            new SettingFacts(SecretFiles.Setting, configuration[SecretFiles.Setting], null, null, "A directory with a file per setting, from which keys are read."),
        ]),
    ]);

    /// <summary>All settings of an options class, in the order of the source.</summary>
    public static IEnumerable<SettingFacts> Read<T>(string section, T options)
        where T : class, new()
    {
        var untouched = new T();
        var comments = Comments(typeof(T));
        foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true }).OrderBy(property => property.MetadataToken))
        {
            yield return new SettingFacts(
                $"{section}:{property.Name}", Text(property.GetValue(options)), Text(property.GetValue(untouched)), Unit(property), comments.GetValueOrDefault(property.Name));
        }
    }

    private static string? Unit(PropertyInfo property) =>
        property.Name.EndsWith("BytesPerSecond", StringComparison.Ordinal) ? "bytes/s"
        : property.Name.EndsWith("Bytes", StringComparison.Ordinal) || property.Name.EndsWith("Size", StringComparison.Ordinal) ? "bytes"
        : property.Name is nameof(MasterOptions.ReplicationFactor) or nameof(MasterOptions.MinWriteReplicas) ? "copies"
        : property.Name.StartsWith("RepairConcurrency", StringComparison.Ordinal) ? "pulls"
        : null;

    private static string? Text(object? value) => value switch
    {
        null => null,
        TimeSpan span => Text(span),
        bool truth => truth ? "true" : "false",
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable many => string.Join(' ', many.Cast<object>()),
        _ => value.ToString(),
    };

    private static string Text(TimeSpan span) =>
        span == TimeSpan.Zero ? "0 s"
        : span.Ticks % TimeSpan.TicksPerDay == 0 ? Number(span.TotalDays, "d")
        : span.Ticks % TimeSpan.TicksPerHour == 0 ? Number(span.TotalHours, "h")
        : span.Ticks % TimeSpan.TicksPerMinute == 0 ? Number(span.TotalMinutes, "min")
        : span.TotalSeconds >= 1 ? Number(span.TotalSeconds, "s")
        : Number(span.TotalMilliseconds, "ms");

    private static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:0.###} {unit}");

    private static string Hidden(string? secret) => string.IsNullOrWhiteSpace(secret) ? NoSecret : Secret;

    private string? Joined(string key) => ConfiguredList.Read(configuration, key) is { Count: > 0 } values ? string.Join(' ', values) : null;

    /// <summary>The summaries in the source of an options class, by property.</summary>
    private static Dictionary<string, string> Comments(Type type)
    {
        using var source = type.Assembly.GetManifestResourceStream($"{type.Name}.cs");
        if (source is null) return [];
        using var reader = new StreamReader(source);
        return Summary().Matches(reader.ReadToEnd()).ToDictionary(match => match.Groups["name"].Value, match => Plain(match.Groups["text"].Value));
    }

    private static string Plain(string comment)
    {
        var text = Spaces().Replace(comment.Replace("///", " ", StringComparison.Ordinal), " ");
        text = Reference().Replace(text, "${what}");
        return System.Net.WebUtility.HtmlDecode(Tag().Replace(text, "")).Trim();
    }

    [GeneratedRegex("""/// <summary>(?<text>(?:(?!</summary>).)*)</summary>\s*(?:\[[^\n]*\]\s*)*public [\w<>?\[\], ]+ (?<name>\w+) \{ get; set; \}""", RegexOptions.Singleline)]
    private static partial Regex Summary();

    [GeneratedRegex("""<see cref="(?:\w+\.)*(?<what>\w+)"\s*/>""")]
    private static partial Regex Reference();

    [GeneratedRegex("<[^>]+>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
