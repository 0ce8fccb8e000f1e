using Mdfs.Master.Catalog.Store;

namespace Mdfs.Tests.Unit;

/// <summary>How far Redis' word is trusted, by its settings (design, section 2.6).</summary>
public sealed class RedisDurabilityTests
{
    [Theory]
    [InlineData("appendonly=yes,appendfsync=always", DurabilityLevel.Strong)]
    [InlineData("appendonly=yes,appendfsync=everysec", DurabilityLevel.Weak)]
    [InlineData("appendonly=yes,appendfsync=no", DurabilityLevel.Weak)]
    [InlineData("appendonly=yes", DurabilityLevel.Weak)]
    [InlineData("appendonly=no,appendfsync=always,save=60 1", DurabilityLevel.Weak)]
    [InlineData("appendonly=no,save=", DurabilityLevel.Weak)]
    [InlineData("", DurabilityLevel.Weak)]
    public void Only_an_fsync_per_transaction_is_strong(string settings, DurabilityLevel level)
    {
        var durability = RedisDurability.Judge("Redis 7", false, Read(settings));
        Assert.Equal(level, durability.Level);
        Assert.Null(durability.Refusal);
        if (level == DurabilityLevel.Weak) Assert.Contains("appendfsync always", durability.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("appendonly=yes", DurabilityLevel.ProcessKillSafe)]
    [InlineData("", DurabilityLevel.ProcessKillSafe)]
    [InlineData("appendonly=no", DurabilityLevel.Weak)]
    public void Garnet_is_not_believed_more_than_it_can_be_asked(string settings, DurabilityLevel level) =>
        Assert.Equal(level, RedisDurability.Judge("Garnet 2", true, Read(settings)).Level);

    [Theory]
    [InlineData("maxmemory=100,maxmemory-policy=allkeys-lru", true)]
    [InlineData("maxmemory=100,maxmemory-policy=volatile-ttl", true)]
    [InlineData("maxmemory=100,maxmemory-policy=noeviction", false)]
    [InlineData("maxmemory=0,maxmemory-policy=allkeys-lru", false)]
    [InlineData("", false)]
    public void Eviction_is_refused_where_it_can_happen(string settings, bool refused) =>
        Assert.Equal(refused, RedisDurability.Judge("Redis 7", false, Read(settings)).Refusal is not null);

    private static Dictionary<string, string> Read(string settings) =>
        settings.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
}
