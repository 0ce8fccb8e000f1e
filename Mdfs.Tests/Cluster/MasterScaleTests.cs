using System.Diagnostics;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Cluster;

/// <summary>What a hundred thousand movies with two copies cost the master in memory and per page (design, section 11).</summary>
public sealed class MasterScaleTests
{
    private const int Movies = 100_000;

    [Fact]
    public void A_movie_with_two_copies_costs_at_most_a_kibibyte_of_memory_and_a_page_costs_milliseconds()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var catalog = new FileCatalog();
        var registry = new NodeRegistry(Options.Create(new MasterOptions()), TimeProvider.System);
        Fill(catalog, registry);
        var perMovie = (GC.GetTotalMemory(forceFullCollection: true) - before) / Movies;
        TestContext.Current.SendDiagnosticMessage("{0} bytes per movie", perMovie);
        Assert.InRange(perMovie, 1, 1024);

        Assert.True(FileQuery.TryParse("9", "-size", "1000", null, out var query, out _));
        query.Run(catalog.Entries, entry => Copies.Count(registry, entry.Replica));
        var started = Stopwatch.GetTimestamp();
        var (page, next, total) = query.Run(catalog.Entries, entry => Copies.Count(registry, entry.Replica));
        Assert.Equal(1000, page.Count);
        Assert.NotNull(next);
        Assert.True(total > 1000);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(2));
        GC.KeepAlive(registry);
    }

    private static void Fill(FileCatalog catalog, NodeRegistry registry)
    {
        var cluster = MasterIdentity.NewClusterId();
        NodeId[] ids = [NodeId.New(), NodeId.New(), NodeId.New()];
        lock (registry.Gate)
        {
            var nodes = ids.Select(id => registry.FindOrAdd(id, id.Value)).ToList();
            for (var i = 0; i < Movies; i++)
            {
                var replica = new ReplicaDescription(
                    FileName.Parse($"A film with a name of usual length ({i:D6}).mp4"), new MovieVersion(1_777_636_800_000_000 + i), 700_000_000 + i, new Checksum((uint)i),
                    DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(i), UploadId.New(), cluster);
                catalog.Apply(new CatalogChange { Put = [new CatalogEntry(replica, [ids[i % 3], ids[(i + 1) % 3]])], Highest = replica.Version });
                nodes[i % 3].Inventory.Set(new ReplicaReport(replica, false, true), i + 1);
                nodes[(i + 1) % 3].Inventory.Set(new ReplicaReport(replica, false, true), i + 1);
            }
        }
    }
}
