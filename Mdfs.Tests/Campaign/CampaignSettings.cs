using System.Globalization;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>What makes a campaign: the same settings make the same schedule. The environment can name them, which is how one is had again, or made long.</summary>
/// <param name="Seed">MDFS_CAMPAIGN_SEED; by chance.</param>
/// <param name="Faults">MDFS_CAMPAIGN_FAULTS; <see cref="Short"/>.</param>
/// <param name="Longest">MDFS_CAMPAIGN_MINUTES; none. After so long no further fault comes, and what was stored is proven: a campaign that has to make room for something else is not for nothing.</param>
public sealed record CampaignSettings(RedisKind Store, int Seed, int Faults, TimeSpan? Longest = null)
{
    /// <summary>Every kind that it begins with once.</summary>
    public static int Short(RedisKind store) => FaultPlan.First(store).Count;

    /// <summary>Whether somebody wants to see it again, and with all that happened.</summary>
    public bool IsAgain { get; } = Number("MDFS_CAMPAIGN_SEED") is not null;

    public int Workers { get; } = 4;

    public int Clients { get; } = 8;

    public int Names { get; } = 24;

    /// <summary>The command that has it again.</summary>
    public string Command => string.Create(
        CultureInfo.InvariantCulture,
        $"MDFS_CAMPAIGN_SEED={Seed} MDFS_CAMPAIGN_FAULTS={Faults} artifacts/bin/Mdfs.Tests/debug/Mdfs.Tests -method \"*Nothing_acknowledged_is_lost_with_{(Store == RedisKind.Garnet ? "Garnet" : "a_Redis_that_fsyncs")}\"");

    public static CampaignSettings FromEnvironment(RedisKind store) => new(
        store, Number("MDFS_CAMPAIGN_SEED") ?? Random.Shared.Next(1_000_000), Number("MDFS_CAMPAIGN_FAULTS") ?? Short(store), Number("MDFS_CAMPAIGN_MINUTES") is { } minutes ? TimeSpan.FromMinutes(minutes) : null);

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
