using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Browser;

/// <summary>A library of a hundred thousand movies in a real browser.</summary>
public sealed class ManyMoviesBrowserTests(Chromium chromium, LargeLibrary library) : IClassFixture<LargeLibrary>
{
    private const double Most = 300;

    /// <summary>Counts from the click, or from the last letter, to the row that it brings; the 200 ms for which the search field waits for further letters are not the table's.</summary>
    private const string Measure =
        """
        ([act, text]) => new Promise(resolve => {
          const shows = () => document.querySelector('.movie-name')?.textContent === text;
          let began;
          const look = new MutationObserver(() => { if (shows()) { look.disconnect(); resolve(performance.now() - began); } });
          look.observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
          began = performance.now();
          if (act === 'filter') document.querySelector('.filter').click();
          else if (act.startsWith('page ')) document.querySelector(`button[aria-label="${act.slice(5)}"]`).click();
          else if (act.startsWith('sort ')) [...document.querySelectorAll('.mud-table-sort-label')].find(label => label.textContent.includes(act.slice(5))).click();
          else {
            const field = document.querySelector('input[type=search]');
            field.value = act.slice(5);
            field.dispatchEvent(new Event('input', { bubbles: true }));
            began += 200;
          }
        })
        """;

    [Fact]
    public async Task A_table_of_a_hundred_thousand_pages_sorts_searches_and_filters_within_three_hundred_milliseconds()
    {
        await using var visit = await chromium.EnterAsync(library.Client.Master, "/movies");
        await visit.UntilAsync("() => document.querySelectorAll('.movie-name').length === 25");
        await visit.Page.GetByText("100,000").First.WaitForAsync();
        await JudgeAsync("paging", ("page Next page", 25), ("page Next page", 50), ("page Last page", LargeLibrary.Movies - 25), ("page First page", 0), ("page Next page", 25), ("page First page", 0));
        // Each step brings another movie to the top.
        await JudgeAsync("sorting by size", ("sort Size", LargeLibrary.Movies - 1), ("sort Size", 0), ("sort Size", LargeLibrary.Movies - 1));
        await JudgeAsync("sorting by date", ("sort Stored", 0), ("sort Stored", LargeLibrary.Movies - 1));
        await JudgeAsync("sorting by copies", ("sort Copies", LargeLibrary.Lacking), ("sort Copies", LargeLibrary.Movies - 1), ("sort Copies", LargeLibrary.Lacking));
        await JudgeAsync("sorting by name", ("sort Name", 0), ("sort Name", LargeLibrary.Movies - 1), ("sort Name", 0));
        await JudgeAsync("searching", ("find (077777)", 77_777), ("find (012345)", 12_345), ("find (099999)", 99_999), ("find film", 0));
        await JudgeAsync("filtering", [.. Enumerable.Range(0, 10).Select(static turn => ("filter", turn % 2 == 0 ? LargeLibrary.Lacking : 0))]);
        visit.AssertNothingWrong();

        // The best of several: the machine has other things to do as well.
        async Task JudgeAsync(string what, params (string Act, int First)[] steps)
        {
            var best = double.MaxValue;
            foreach (var (act, first) in steps)
            {
                var took = await visit.Page.EvaluateAsync<double>(Measure, new[] { act, LargeLibrary.Name(first) }).WaitAsync(MdfsClient.Patience);
                TestContext.Current.SendDiagnosticMessage("{0}: {1:0} ms", act, took);
                best = Math.Min(best, took);
            }

            Assert.True(best <= Most, $"{what} took {best:0} ms at best.");
        }
    }
}

/// <summary>
/// A master that knows a hundred thousand movies. They stand in its memory only, as do the two nodes that say they hold them: what is measured is the way from
/// there to the screen, and storing so many takes minutes.
/// </summary>
public sealed class LargeLibrary : SharedCluster, IAsyncLifetime
{
    public const int Movies = 100_000;

    /// <summary>The first of a hundred that have one copy only.</summary>
    public const int Lacking = 500;

    // Nobody heals what is not there.
    protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:RepairDelay", "1.00:00:00"), ("Mdfs:Master:RepairInterval", "00:10:00")];

    /// <summary>The larger the number, the smaller and the newer it is.</summary>
    public static string Name(int number) => $"A film with a name of usual length ({number:D6}).mp4";

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        var services = Cluster.Cluster.Master.Services;
        var registry = services.GetRequiredService<NodeRegistry>();
        var id = services.GetRequiredService<MasterIdentity>().ClusterId!;
        NodeId[] ids = [NodeId.New(), NodeId.New()];
        var entries = new List<CatalogEntry>(Movies);
        lock (registry.Gate)
        {
            var nodes = Array.ConvertAll(ids, node => registry.FindOrAdd(node, $"shelf-{node.Value[..4]}"));
            for (var i = 0; i < Movies; i++)
            {
                var replica = new ReplicaDescription(
                    FileName.Parse(Name(i)), new MovieVersion(1_777_636_800_000_000 + i), 700_000_000 - i, new Checksum((uint)i), DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(i), UploadId.New(), id);
                var lacks = i % 1000 == Lacking;
                entries.Add(new CatalogEntry(replica, lacks ? [ids[0]] : [.. ids]));
                nodes[0].Inventory.Set(new ReplicaReport(replica, false, true), i + 1);
                if (!lacks) nodes[1].Inventory.Set(new ReplicaReport(replica, false, true), i + 1);
            }

            foreach (var node in nodes)
            {
                // Never silent: heard in a year from now.
                node.LastBeat = TimeProvider.System.GetTimestamp() + (365 * 86_400 * TimeProvider.System.TimestampFrequency);
                registry.Revive(node);
            }
        }

        services.GetRequiredService<FileCatalog>().Apply(new CatalogChange { Put = entries, Highest = entries[^1].Version });
        // Sorted beforehand, as when a master loads its catalog.
        foreach (var order in (string[])["name", "size", "date", "copies"])
        {
            Assert.True(FileQuery.TryParse(null, order, "25", null, "0", null, out var query, out _));
            services.GetRequiredService<FileListing>().Run(query);
        }
    }
}
