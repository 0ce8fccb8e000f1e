using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>Asks Redis for the settings that decide how far its word can be trusted.</summary>
internal static class RedisInspector
{
    private static readonly string[] _settings = ["appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy"];

    /// <summary>Null when Redis does not answer at all; a server that does not allow CONFIG is judged by that.</summary>
    /// <exception cref="RedisCommandException">The connection was not set up by <see cref="RedisSettings"/>.</exception>
    public static async Task<RedisDurability?> InspectAsync(ConditionedRedis redis)
    {
        if (await redis.ReadAsync(async database => (string?)await database.ExecuteAsync("INFO", "server").ConfigureAwait(false) ?? "").ConfigureAwait(false) is not { } info) return null;
        var facts = Facts(info);
        var garnet = facts.TryGetValue("garnet_version", out var version);
        if (!garnet) version = facts.GetValueOrDefault("redis_version", "of an unknown version");
        var settings = new Dictionary<string, string>();
        foreach (var name in _settings)
        {
            if (await redis.ReadAsync(database => SettingAsync(database, name)).ConfigureAwait(false) is { Length: 1 } value) settings[name] = value[0];
        }

        if (!redis.IsConnected) return null;
        return RedisDurability.Judge($"{(garnet ? "Garnet" : "Redis")} {version}", garnet, settings);
    }

    /// <summary>The value in an array of one; an empty array when the server does not know the setting or does not tell.</summary>
    private static async Task<string[]> SettingAsync(IDatabase database, string name)
    {
        try
        {
            var answer = await database.ExecuteAsync("CONFIG", "GET", name).ConfigureAwait(false);
            var parts = answer.Length >= 2 ? (RedisResult[])answer! : [];
            return parts.Length >= 2 ? [(string?)parts[1] ?? ""] : [];
        }
        catch (RedisServerException)
        {
            return [];
        }
    }

    private static Dictionary<string, string> Facts(string info)
    {
        var facts = new Dictionary<string, string>();
        foreach (var line in info.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) facts[line[..colon]] = line[(colon + 1)..];
        }

        return facts;
    }
}
