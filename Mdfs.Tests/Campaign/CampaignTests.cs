using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>
/// Nothing acknowledged is ever lost: a cluster of processes is used and attacked at the same time, and a checker that knows all that was asked and answered proves it (docs/reliability.md). With
/// <c>MDFS_CAMPAIGN_FAULTS=1000</c> this is the long campaign.
/// </summary>
public abstract class CampaignTests
{
    private protected static async Task RunAsync(RedisKind store)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Freezing, preloading and small disks are those of Linux.");
        var settings = CampaignSettings.FromEnvironment(store);
        await using var cluster = await CampaignCluster.StartAsync(store, settings.Workers, TestContext.Current.CancellationToken);
        var summary = await new CampaignRun(settings, cluster, TestContext.Current.CancellationToken).RunAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(summary);
        TestContext.Current.SendDiagnosticMessage(summary);
    }
}

/// <inheritdoc/>
public sealed class GarnetCampaignTests : CampaignTests
{
    [Fact]
    public Task Nothing_acknowledged_is_lost_with_Garnet() => RunAsync(RedisKind.Garnet);
}

/// <inheritdoc/>
public sealed class RedisCampaignTests : CampaignTests
{
    [Fact]
    public Task Nothing_acknowledged_is_lost_with_a_Redis_that_fsyncs() => RunAsync(RedisKind.RedisServer);
}
