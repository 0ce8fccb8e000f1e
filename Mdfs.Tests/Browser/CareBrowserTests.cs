using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Looking after a cluster in the console: the scrub, and emptying a node before it leaves.</summary>
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
    public async Task A_drain_says_first_what_it_means_is_watched_and_taken_back()
    {
        for (var i = 0; i < 4; i++) await shared.Client.StoreAsync($"drained {i}.mp4", new MovieBytes((ulong)i, 20_000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await visit.Button("Drain: worker-1").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".consequences")).ToContainTextAsync("are copied to other nodes first");
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

    private async Task<string?> StateAsync() =>
        (await shared.Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(static node => node.GetProperty("name").GetString() == "worker-1").GetProperty("state").GetString();

    [GeneratedRegex("running|resting")]
    private static partial Regex Reading();
}
