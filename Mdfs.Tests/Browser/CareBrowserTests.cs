using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Looking after a cluster in the console: the scrub, nodes that leave, are away for a while or have joined, and what was put aside.</summary>
[Collection(ConsoleCluster.Name)]
public sealed partial class CareBrowserTests(Chromium chromium, SharedCluster shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_scrub_is_watched_paused_and_started_for_one_node_and_for_all()
    {
        await shared.Client.StoreAsync("read again.mp4", new MovieBytes(1, 100_000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/scrub");
        await Assertions.Expect(visit.Page.Locator("[data-scrub]")).ToHaveCountAsync(3);
        await visit.Button("Pause all").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("[data-state=paused]")).ToHaveCountAsync(3);
        await visit.Button("Go on: worker-2").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("[data-scrub=worker-2]")).ToHaveAttributeAsync("data-state", Reading());
        await Assertions.Expect(visit.Page.Locator("[data-state=paused]")).ToHaveCountAsync(2);
        await visit.Button("Start all").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("[data-state=paused]")).ToHaveCountAsync(0);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task The_overview_shows_without_a_reload_what_came_in_who_is_missing_and_what_has_too_few_copies()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/");
        await visit.Page.EvaluateAsync("window.theSamePage = true");
        await Assertions.Expect(Figure("nodes")).ToHaveTextAsync("3 / 3");
        await Assertions.Expect(Figure("whole")).ToHaveTextAsync("100 %");
        await Assertions.Expect(Figure("free")).ToHaveTextAsync(Amount());
        var before = int.Parse((await Figure("movies").TextContentAsync())!, CultureInfo.InvariantCulture);
        await shared.Client.StoreAsync("seen at once.mp4", new MovieBytes(33, 3_000_000), Cancelled);
        await Assertions.Expect(Figure("movies")).ToHaveTextAsync($"{before + 1}");
        await Assertions.Expect(visit.Page.Locator(".healing")).ToContainTextAsync("Nothing to heal");
        // Throughput in three lines, copies, streams and nodes in three, what is stored in one.
        await Assertions.Expect(visit.Page.Locator(".chart path.line[d*=L]")).ToHaveCountAsync(7);

        var away = new[] { shared.Cluster.Worker("worker-2"), shared.Cluster.Worker("worker-3") };
        foreach (var worker in away) await worker.StopAsync();
        await Assertions.Expect(Figure("nodes")).ToHaveTextAsync("1 / 3");
        await Assertions.Expect(Figure("under-replicated")).ToContainTextAsync("with too few copies");
        await Assertions.Expect(Figure("whole")).Not.ToHaveTextAsync("100 %");
        await Assertions.Expect(visit.Page.Locator(".healing")).ToContainTextAsync("A copy is made as soon as there is a node to take it.");
        await Assertions.Expect(visit.Page.Locator(".state")).ToContainTextAsync("Healing");

        foreach (var worker in away) await worker.StartAsync(Cancelled);
        await Assertions.Expect(Figure("nodes")).ToHaveTextAsync("3 / 3");
        await Assertions.Expect(Figure("under-replicated")).ToHaveTextAsync("No movie has too few copies");
        await Assertions.Expect(visit.Page.Locator(".state")).ToContainTextAsync("All good");
        Assert.True(await visit.Page.EvaluateAsync<bool>("window.theSamePage === true"));
        visit.AssertNothingWrong();

        ILocator Figure(string name) => visit.Page.Locator($"[data-figure={name}]");
    }

    [Fact]
    public async Task A_drain_says_first_what_it_means_is_watched_and_taken_back()
    {
        for (var i = 0; i < 4; i++) await shared.Client.StoreAsync($"drained {i}.mp4", new MovieBytes((ulong)i, 20_000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await visit.Button("Drain: worker-1").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".consequences")).ToContainTextAsync("copied to other nodes first");
        await visit.CloseDialogAsync();
        // Looking is not doing.
        Assert.Equal("alive", await StateAsync());

        await visit.Button("Drain: worker-1").ClickAsync();
        await visit.Page.Locator(".mud-dialog-actions").GetByText("Drain", new LocatorGetByTextOptions { Exact = true }).ClickAsync();
        var card = visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "worker-1" });
        await Assertions.Expect(card.Locator("[data-drain=drained]")).ToContainTextAsync("it may leave");
        Assert.Equal("draining", await StateAsync());
        await visit.Button("Take the drain back: worker-1").ClickAsync();
        await Assertions.Expect(visit.Button("Drain: worker-1")).ToBeVisibleAsync();
        Assert.Equal("alive", await StateAsync());
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_drain_with_a_limit_is_paused_and_goes_on()
    {
        // At half of the limit, which is what one of two copies has of it, it takes more than a minute.
        await shared.Client.StoreAsync("drained slowly.mp4", new MovieBytes(8, 40_000_000), Cancelled);
        var name = (await shared.Client.FactsAsync("drained slowly.mp4", Cancelled))!.Holders.First();
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await visit.Button($"Drain: {name}").ClickAsync();
        await visit.Page.SelectOptionAsync(".mud-dialog select", "1048576");
        await visit.DialogButton("Drain").ClickAsync();
        await visit.Button($"Pause the drain: {name}").ClickAsync();
        var card = visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = name });
        await Assertions.Expect(card.Locator("[data-drain=paused]")).ToContainTextAsync("The drain is paused");
        await visit.Button($"Go on with the drain: {name}").ClickAsync();
        await Assertions.Expect(card.Locator("[data-drain=draining]")).ToContainTextAsync("Limit: 1");
        await visit.Button($"Take the drain back: {name}").ClickAsync();
        await Assertions.Expect(visit.Button($"Drain: {name}")).ToBeVisibleAsync();
        await Patiently.DeleteAsync(shared.Client, "drained slowly.mp4", Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_node_is_put_into_maintenance_for_as_long_as_is_said_and_taken_out_of_it()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await visit.Button("Maintenance: worker-2").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToContainTextAsync("worker-2 may then be away for so long");
        await visit.DialogButton("Cancel").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToHaveCountAsync(0);
        await visit.Button("Maintenance: worker-2").ClickAsync();
        await visit.DialogButton("Begin").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-snackbar")).ToContainTextAsync("worker-2 may be away for 30 min. Movies that cannot be read meanwhile: 0");
        var card = visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "worker-2" });
        await Assertions.Expect(card).ToContainTextAsync(HalfAnHour());
        await visit.Button("End maintenance: worker-2").ClickAsync();
        await Assertions.Expect(visit.Button("Maintenance: worker-2")).ToBeVisibleAsync();
        await Assertions.Expect(card).Not.ToContainTextAsync("In maintenance");

        await visit.Button("Maintenance: worker-2").ClickAsync();
        await visit.Page.SelectOptionAsync(".mud-dialog select", "0");
        await Assertions.Expect(visit.DialogButton("Begin")).ToBeDisabledAsync();
        await visit.Page.FillAsync(".mud-dialog input", "5000");
        await visit.DialogButton("Begin").ClickAsync();
        await Assertions.Expect(card).ToContainTextAsync("In maintenance for another 3 days");
        await visit.Button("End maintenance: worker-2").ClickAsync();
        await Assertions.Expect(card).Not.ToContainTextAsync("In maintenance");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_node_that_has_stopped_can_be_forgotten_and_when_it_is_back_a_rebalance_is_started_paused_and_ended()
    {
        var leaving = shared.Cluster.Worker("worker-3");
        await leaving.StopAsync();
        await shared.Client.WaitForNodesAsync(2, Cancelled);
        for (var i = 0; i < 5; i++) await shared.Client.StoreAsync($"moved {i}.mp4", new MovieBytes((ulong)i, 10_000_000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "worker-3" })).ToContainTextAsync("stopped");
        await visit.Button("Forget this node: worker-3").ClickAsync();
        await visit.DialogButton("Forget this node").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-snackbar")).ToContainTextAsync("worker-3 is forgotten");
        await Assertions.Expect(visit.Page.Locator(".node-card")).ToHaveCountAsync(2);

        await leaving.StartAsync(Cancelled);
        await shared.Client.WaitForNodesAsync(3, Cancelled);
        await visit.OpenAsync("/rebalance");
        var now = visit.Page.Locator("[data-rebalance]");
        await Assertions.Expect(now).ToContainTextAsync("This is what one would do.");
        await Assertions.Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(3);
        await visit.Button("Start").ClickAsync();
        await visit.Page.SelectOptionAsync(".mud-dialog select", "1048576");
        await visit.JudgeAsync("the dialog that rebalances");
        await visit.CloseDialogAsync();
        // Looking is not doing.
        Assert.Equal("none", (await shared.Client.AdminAsync("api/rebalance", Cancelled)).GetProperty("state").GetString());

        await visit.Button("Start").ClickAsync();
        await visit.Page.SelectOptionAsync(".mud-dialog select", "1048576");
        await visit.DialogButton("Start").ClickAsync();
        await Assertions.Expect(now).ToHaveAttributeAsync("data-rebalance", "running");
        await visit.Button("Pause").ClickAsync();
        await Assertions.Expect(now).ToHaveAttributeAsync("data-rebalance", "paused");
        await visit.JudgeAsync("a rebalance under way");
        await visit.Button("Go on").ClickAsync();
        await Assertions.Expect(now).ToHaveAttributeAsync("data-rebalance", "running");
        Assert.Equal(1_048_576, (await shared.Client.AdminAsync("api/rebalance", Cancelled)).GetProperty("bytesPerSecond").GetInt64());
        await visit.Button("End").ClickAsync();
        await Assertions.Expect(now).ToHaveAttributeAsync("data-rebalance", "none");
        await Assertions.Expect(now).ToContainTextAsync("ended early");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_worker_with_an_empty_disk_is_listed_as_refused_and_let_in_with_a_click()
    {
        // Nothing may have its only copy on the disk that is lost, else a further question is asked.
        await Eventually.TrueAsync(async () => await shared.Client.MetricAsync("mdfs_under_replicated_files", Cancelled) == 0, "all movies have their copies", MdfsClient.Patience, Cancelled);
        var worker = shared.Cluster.Worker("worker-2");
        await worker.StopAsync();
        Directory.Delete(shared.Cluster.Cluster.WorkerDirectory(worker), recursive: true);
        await shared.Client.WaitForNodesAsync(2, Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await Assertions.Expect(visit.Page.Locator("[data-refused]")).ToHaveCountAsync(0);

        // Seen without a reload.
        await worker.StartAsync(Cancelled);
        var refused = visit.Page.Locator("[data-refused=worker-2]");
        await Assertions.Expect(refused).ToContainTextAsync("This node has a new identity under the name 'worker-2'");
        await visit.JudgeAsync("a node that is refused");
        await visit.Button("Let it in: worker-2").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToContainTextAsync("worker-2 takes the place of the silent node that had its name.");
        await visit.DialogButton("Cancel").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToHaveCountAsync(0);
        // Looking is not doing.
        await Assertions.Expect(refused).ToBeVisibleAsync();

        await visit.Button("Let it in: worker-2").ClickAsync();
        await visit.DialogButton("Let it in").ClickAsync();
        await Assertions.Expect(refused).ToHaveCountAsync(0);
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "worker-2" })).ToContainTextAsync("active");
        await Assertions.Expect(visit.Page.Locator(".node-card")).ToHaveCountAsync(3);
        await shared.Client.WaitForNodesAsync(3, Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_was_put_aside_is_adopted_under_a_name_that_is_free_or_removed_for_good()
    {
        await shared.Client.StoreAsync("aside.mp4", new MovieBytes(9, 50_000), Cancelled);
        var movie = (await shared.Client.FactsAsync("aside.mp4", Cancelled))!;
        var holder = shared.Cluster.Worker(movie.Holders.First());
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/quarantine");
        // Seen without a click.
        Aside.Put(shared.Cluster, holder, movie.Version, "Its node was away for long.");
        Aside.PutNameless(shared.Cluster, holder, "Nothing says what these bytes are.");
        var named = visit.Page.Locator("[data-quarantined]", new PageLocatorOptions { HasTextString = "aside.mp4" });
        var nameless = visit.Page.Locator("[data-quarantined]", new PageLocatorOptions { HasTextString = "Nothing says" });
        await Assertions.Expect(named).ToContainTextAsync("Its node was away for long.");
        await Assertions.Expect(nameless).ToContainTextAsync(holder.Name);

        await nameless.GetByText("Adopt").ClickAsync();
        await Assertions.Expect(visit.DialogButton("Adopt")).ToBeDisabledAsync();
        await visit.CloseDialogAsync();
        await nameless.GetByText("Remove for good").ClickAsync();
        await visit.DialogButton("Cancel").ClickAsync();
        await Assertions.Expect(nameless).ToHaveCountAsync(1);
        await nameless.GetByText("Remove for good").ClickAsync();
        await visit.DialogButton("Remove for good").ClickAsync();
        await Assertions.Expect(nameless).ToHaveCountAsync(0);

        await named.GetByText("Adopt").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToContainTextAsync("A movie has this name now.");
        await visit.DialogButton("Adopt").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog [role=alert]")).ToContainTextAsync("There is a movie named 'aside.mp4'.");
        await visit.Page.FillAsync(".mud-dialog input[type=text]", "aside again.mp4");
        await visit.DialogButton("Adopt").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-snackbar")).ToContainTextAsync("aside again.mp4 is back");
        await Assertions.Expect(named).ToHaveCountAsync(0);
        await shared.Client.AssertHoldsAsync("aside again.mp4", new MovieBytes(9, 50_000), Cancelled);
        visit.AssertNothingWrong();
    }

    private async Task<string?> StateAsync() =>
        (await shared.Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(static node => node.GetProperty("name").GetString() == "worker-1").GetProperty("state").GetString();

    [GeneratedRegex("In maintenance for another (30|2.) min")]
    private static partial Regex HalfAnHour();

    [GeneratedRegex("^[0-9.]+ [KMGT]iB free$")]
    private static partial Regex Amount();

    [GeneratedRegex("running|resting")]
    private static partial Regex Reading();
}
