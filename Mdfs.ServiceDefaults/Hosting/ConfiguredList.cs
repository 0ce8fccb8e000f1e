using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>A setting with several values: as a list (<c>Key:0</c>, <c>Key:1</c>) or in one text, parted by <c>;</c> or <c>,</c>, as environment variables have it.</summary>
public static class ConfiguredList
{
    public static IReadOnlyList<string> Read(IConfiguration configuration, string key)
    {
        var section = configuration.GetSection(key);
        var texts = section.GetChildren().Select(static child => child.Value).Append(section.Value);
        return [.. texts.SelectMany(static text => (text ?? "").Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
    }
}
