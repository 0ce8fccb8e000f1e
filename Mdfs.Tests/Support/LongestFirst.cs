using Mdfs.Tests.Browser;
using Mdfs.Tests.Campaign;
using Mdfs.Tests.Cluster;
using Mdfs.Tests.Conformance;
using Mdfs.Tests.Faults;
using Mdfs.Tests.Players;
using Mdfs.Tests.Support;
using Mdfs.Tests.Unit.Model;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Mdfs.Tests.Support;

/// <summary>
/// Begins with the collections that take a minute or more, since one of them begun at the end keeps a single processor busy while the other waits. A wrong name or order here costs time and nothing else.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    // The two campaigns apart from each other, with a few collections running at once: each is a cluster that is restarted all the time.
    private static readonly string[] _order =
    [
        nameof(GarnetCampaignTests), ConsoleCluster.Name, nameof(StreamFailoverTests), nameof(PausedPlayersTests), nameof(RedisCampaignTests), nameof(StreamFailoverWithoutLoopsTests), nameof(RedisRollbackTests), nameof(CatalogStoreFaultsOnGarnet), nameof(MasterLossTests), nameof(ClockJumpTests), nameof(WorkerLossTests), nameof(ResumableUploadFaultTests),
        nameof(PlayerTests), nameof(ModelTests), nameof(AppHostTests), nameof(CatalogStoreFaultsOnRedis), nameof(DirectLinkTests), nameof(TwoMastersTests), nameof(CliTests), nameof(GibibyteTests), nameof(MasterBreakTests), nameof(StandaloneProgramTests), nameof(GarnetDurabilityTests), nameof(RollingUpgradeTests), nameof(DyingDiskTests),
        nameof(ConditionalChangeTests), nameof(LoadDriverTests), nameof(FullWorkersTests), nameof(TroubleBrowserTests), nameof(AbsentHolderTests), nameof(MaintenanceTests), nameof(WorkerUploadTests), nameof(WorkerWindowTests), nameof(RedisLossTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(Place)];

    private static int Place<TTestCollection>(TTestCollection collection) where TTestCollection : ITestCollection
    {
        // Either its own name, or "Test collection for <class> (id: …)".
        var name = collection.TestCollectionDisplayName;
        var place = Array.FindIndex(_order, one => name == one || name.Contains($".{one} ", StringComparison.Ordinal));
        return place < 0 ? _order.Length : place;
    }
}
