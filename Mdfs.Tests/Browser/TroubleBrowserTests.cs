using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>A console whose master or Redis goes away says so, and recovers without anybody doing anything. Whatever a test has taken away comes back at its end, also when it fails: the next one needs it to sign in.</summary>
public sealed class TroubleBrowserTests(Chromium chromium, SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_master_that_was_killed_is_missed_and_what_was_heard_last_stays_until_it_is_back()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, ("Mdfs:ClusterKey", shared.Cluster.Cluster.Keys.ClusterKey));
        await shared.Client.StoreAsync("kept.mp4", new MovieBytes(1, 1000), Cancelled);
        await using var visit = await chromium.EnterAsync(web.Address, "/movies");
        await Assertions.Expect(visit.Text("kept.mp4")).ToBeVisibleAsync();
        await visit.Page.EvaluateAsync("window.theSamePage = true");

        var (banner, late) = (visit.Page.Locator(".banners"), await visit.NewPageAsync());
        await shared.Cluster.Cluster.Master.StopAsync(atOnce: true);
        try
        {
            await Assertions.Expect(banner).ToContainTextAsync("The master has not answered since");
            await Assertions.Expect(visit.Page.Locator(".state")).ToContainTextAsync("The master does not answer");
            await Assertions.Expect(visit.Text("kept.mp4")).ToBeVisibleAsync();
            // Whoever comes only now is told as well, on every page.
            foreach (var path in (string[])["/", "/movies", "/nodes", "/trash", "/deletions", "/activity", "/settings", "/upload"])
            {
                await late.GotoAsync(path);
                await Assertions.Expect(late.Locator(".banners")).ToContainTextAsync("The master has not answered since");
            }
        }
        finally
        {
            await shared.Cluster.Cluster.Master.StartAsync(Cancelled);
        }

        await Assertions.Expect(banner).Not.ToContainTextAsync("The master");
        await Assertions.Expect(late.Locator(".banners")).Not.ToContainTextAsync("The master");
        await Assertions.Expect(visit.Text("kept.mp4")).ToBeVisibleAsync();
        Assert.True(await visit.Page.EvaluateAsync<bool>("window.theSamePage === true"));
        await shared.Client.WaitForNodesAsync(3, Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_master_with_the_console_on_its_host_that_is_killed_leaves_a_page_that_says_so_and_begins_anew_by_itself()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await shared.Cluster.Cluster.Master.StopAsync(atOnce: true);
        try
        {
            await Assertions.Expect(visit.Text("The connection to the console is lost. Trying again…")).ToBeVisibleAsync();
        }
        finally
        {
            await shared.Cluster.Cluster.Master.StartAsync(Cancelled);
        }

        // The session stands in Redis: nobody has to sign in again.
        await Assertions.Expect(visit.Text("The connection to the console is lost. Trying again…")).ToBeHiddenAsync();
        await Assertions.Expect(visit.Page.Locator(".node-card")).ToHaveCountAsync(3);
        await shared.Client.WaitForNodesAsync(3, Cancelled);
    }

    [Fact]
    public async Task Uploads_outlive_a_restart_of_the_console_and_the_page_begins_anew_when_they_are_over()
    {
        const long size = 24 << 20;
        using var temp = new TempDirectory();
        var movie = new MovieBytes(2, size);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync("[data-pick=files]", movie.WriteTo(temp["outliving.mp4"]));
        await visit.UntilAsync("() => Number(document.querySelector('.uploads [role=progressbar]')?.getAttribute('aria-valuenow')) > 10");
        await visit.Page.EvaluateAsync("addEventListener('pagehide', () => sessionStorage.setItem('left', document.querySelector('.uploads li').dataset.state))");
        await shared.Cluster.Cluster.Master.StopAsync(atOnce: true);
        try
        {
            await Assertions.Expect(visit.Page.Locator(".uploads li")).ToHaveAttributeAsync("data-state", "offline");
        }
        finally
        {
            await shared.Cluster.Cluster.Master.StartAsync(Cancelled);
        }

        await Assertions.Expect(visit.Text("The console was restarted. The page begins anew when the uploads are over.")).ToBeVisibleAsync();
        await Assertions.Expect(visit.Page.Locator(".uploads li")).ToHaveAttributeAsync("data-state", "sending");
        network.Rate = 0;
        await Assertions.Expect(visit.Page.Locator(".uploads li")).ToHaveCountAsync(0);
        await visit.UntilAsync("() => sessionStorage.getItem('left') !== null");
        Assert.Equal("done", await visit.Page.EvaluateAsync<string>("sessionStorage.getItem('left')"));
        await shared.Client.AssertHoldsAsync("outliving.mp4", movie, Cancelled);
        await visit.ReadyAsync();
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task An_upload_that_waits_for_an_answer_holds_up_no_page_on_which_nobody_can_give_it()
    {
        await shared.Client.StoreAsync("asked about.mp4", new MovieBytes(3, 1000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.SetInputFilesAsync("[data-pick=files]", UploadBrowserTests.File("asked about.mp4", 2000));
        await Assertions.Expect(visit.Page.Locator(".uploads li")).ToHaveAttributeAsync("data-state", "asking");
        await visit.Page.EvaluateAsync("window.theSamePage = true");
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Nodes" }).ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".node-card")).ToHaveCountAsync(3);
        Assert.True(await visit.Page.EvaluateAsync<bool>("window.theSamePage === true"));
        await shared.Cluster.Cluster.Master.StopAsync(atOnce: true);
        await shared.Cluster.Cluster.Master.StartAsync(Cancelled);
        await visit.UntilAsync("() => window.theSamePage !== true");
        await Assertions.Expect(visit.Page.Locator(".node-card")).ToHaveCountAsync(3);
        await shared.Client.WaitForNodesAsync(3, Cancelled);
    }

    [Fact]
    public async Task A_Redis_that_is_away_makes_the_cluster_read_only_and_the_page_says_so_until_it_is_back()
    {
        // A new cluster whose master another test has killed within its first seconds is still being completed.
        await shared.Client.WaitForCatalogAsync(Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/");
        await visit.Page.EvaluateAsync("window.theSamePage = true");
        var banner = visit.Page.Locator(".banners");
        await shared.Cluster.Cluster.StopStoreAsync();
        try
        {
            await Assertions.Expect(banner).ToContainTextAsync("Redis does not answer");
            await Assertions.Expect(visit.Page.Locator(".state")).ToContainTextAsync("Read-only");
        }
        finally
        {
            await shared.Cluster.Cluster.StartStoreAsync(Cancelled);
        }

        await Assertions.Expect(banner).Not.ToContainTextAsync("Redis");
        Assert.True(await visit.Page.EvaluateAsync<bool>("window.theSamePage === true"));
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_Redis_that_goes_away_while_the_catalog_is_being_completed_makes_it_read_only_all_the_same()
    {
        // Nobody is waited for any longer after this time: the catalog stays incomplete for as long as the test takes.
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, settings: ("Mdfs:Master:NodeTimeout", "00:05:00"));
        await cluster.Cluster.Master.StopAsync(atOnce: true);
        await cluster.Cluster.Master.StartAsync(Cancelled);
        Assert.Equal(1, await cluster.Client.MetricAsync("mdfs_rebuilding", Cancelled));
        await using var visit = await chromium.EnterAsync(cluster.Client.Master, "/");
        var (state, banner) = (visit.Page.Locator(".state"), visit.Page.Locator(".banners"));
        await Assertions.Expect(state).ToContainTextAsync("Rebuilding");
        await cluster.Cluster.StopStoreAsync();
        await Assertions.Expect(state).ToContainTextAsync("Read-only");
        await Assertions.Expect(banner).ToContainTextAsync("Redis does not answer");
        await Assertions.Expect(banner).ToContainTextAsync("The catalog is being completed");
    }
}
