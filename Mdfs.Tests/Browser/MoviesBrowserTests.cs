using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>The table of movies, and what is done with them; names are data, whatever stands in them.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class MoviesBrowserTests(Chromium chromium, SharedCluster shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_overwritten_or_deleted_again_is_shown_as_it_is_now()
    {
        await shared.Client.StoreAsync("changing.mp4", new MovieBytes(1, 1024), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies?query=changing");
        await Assertions.Expect(visit.Page.Locator("td.size")).ToHaveTextAsync("1 KiB");
        await shared.Client.StoreAsync("changing.mp4", new MovieBytes(2, 2048), Cancelled);
        await Assertions.Expect(visit.Page.Locator("td.size")).ToHaveTextAsync("2 KiB");

        (await shared.Client.DeleteAsync("changing.mp4", Cancelled)).Dispose();
        await visit.GoAsync("Deletions");
        var bound = visit.Page.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = "changing.mp4" }).Locator("code");
        var first = await bound.TextContentAsync();
        await shared.Client.StoreAsync("changing.mp4", new MovieBytes(1, 1024), Cancelled);
        (await shared.Client.DeleteAsync("changing.mp4", Cancelled)).Dispose();
        await Assertions.Expect(bound).Not.ToHaveTextAsync(first!);

        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_name_full_of_quotes_tags_and_emoji_is_only_ever_text_on_every_page()
    {
        await shared.Client.StoreAsync(VisitSteps.Hostile, new MovieBytes(1, 5000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies?query=onerror");
        await Assertions.Expect(visit.Page.Locator(".movie-name").First).ToHaveTextAsync(VisitSteps.Hostile);
        await visit.CleanAsync("the table of movies");

        await visit.Button($"Play {VisitSteps.Hostile}").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".play-title")).ToHaveTextAsync(VisitSteps.Hostile);
        await Assertions.Expect(visit.Page.Locator(".stage-trouble")).ToBeVisibleAsync();
        await visit.CleanAsync("the dialog that plays");
        await visit.CloseDialogAsync();

        await visit.ActAsync(VisitSteps.Hostile, "Verify");
        await Assertions.Expect(visit.Page.Locator(".verdicts tr[data-valid=true]")).ToHaveCountAsync(2);
        await visit.CleanAsync("the dialog that verifies");
        await visit.CloseDialogAsync();

        await visit.OpenAsync("/upload");
        await visit.Page.SetInputFilesAsync("[data-pick=files]", [Named(VisitSteps.Hostile), Named(VisitSteps.Hostile + ".exe")]);
        await Assertions.Expect(visit.Page.Locator(".uploads li[data-state=asking] .upload-name")).ToHaveTextAsync(VisitSteps.Hostile);
        await Assertions.Expect(visit.Page.Locator(".uploads li[data-state=refused] .upload-name")).ToHaveTextAsync(VisitSteps.Hostile + ".exe");
        await visit.CleanAsync("the page for uploads");
        await visit.Page.ClickAsync("[data-act=Replace]");
        await Assertions.Expect(visit.Page.Locator(".uploads li[data-state=done] .upload-name")).ToHaveTextAsync(VisitSteps.Hostile);
        Assert.Equal(7, (await shared.Client.FactsAsync(VisitSteps.Hostile, Cancelled))!.Size);

        var stored = (await shared.Client.FactsAsync(VisitSteps.Hostile, Cancelled))!;
        Aside.Put(shared.Cluster, shared.Cluster.Worker(stored.Holders.First()), stored.Version, "<b onmouseover=alert(4)>strange</b>");
        await visit.OpenAsync("/quarantine");
        await visit.Button($"Adopt: {VisitSteps.Hostile}").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog input[type=text]")).ToHaveValueAsync(VisitSteps.Hostile);
        await visit.DialogButton("Adopt").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog [role=alert]")).ToContainTextAsync(VisitSteps.Hostile);
        await visit.CleanAsync("the dialog that adopts");
        await visit.CloseDialogAsync();
        await visit.Button($"Remove for good: {VisitSteps.Hostile}").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-dialog")).ToContainTextAsync(VisitSteps.Hostile);
        await visit.DialogButton("Remove for good").ClickAsync();
        await Assertions.Expect(visit.Page.GetByText(VisitSteps.Hostile)).ToHaveCountAsync(0);
        await visit.CleanAsync("the quarantine");

        await visit.OpenAsync("/movies?query=onerror");
        await visit.ActAsync(VisitSteps.Hostile, "Delete");
        await Assertions.Expect(visit.Page.Locator(".movie-quote")).ToHaveTextAsync(VisitSteps.Hostile);
        await visit.CleanAsync("the dialog that deletes");
        await visit.Button("Move to trash").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveCountAsync(0);

        foreach (var path in (string[])["/deletions", "/activity", "/trash"])
        {
            await visit.OpenAsync(path);
            await Assertions.Expect(visit.Page.GetByText(VisitSteps.Hostile).First).ToBeVisibleAsync();
            await visit.CleanAsync(path);
        }

        // Back again: also what is said of that is only text.
        await visit.Button($"Bring back {VisitSteps.Hostile}").First.ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-snackbar")).ToContainTextAsync(VisitSteps.Hostile);
        await visit.CleanAsync("what is said of a movie that was brought back");
        foreach (var path in (string[])["/", "/nodes", "/rebalance", "/scrub", "/settings", "/movies?query=onerror"])
        {
            await visit.OpenAsync(path);
            await visit.CleanAsync(path);
        }

        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveTextAsync([VisitSteps.Hostile]);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Movies_are_searched_sorted_and_several_verified_deleted_and_brought_back()
    {
        for (var i = 1; i <= 4; i++) await shared.Client.StoreAsync($"bulk {i}.mp4", new MovieBytes((ulong)i, i * 10_000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies");
        await visit.Page.GetByRole(AriaRole.Searchbox).FillAsync("BULK");
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveCountAsync(4);
        var size = visit.Page.Locator(".mud-table-sort-label", new PageLocatorOptions { HasTextString = "Size" });
        await size.ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".movie-name").First).ToHaveTextAsync("bulk 1.mp4");
        await size.ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveTextAsync(["bulk 4.mp4", "bulk 3.mp4", "bulk 2.mp4", "bulk 1.mp4"]);

        foreach (var i in (int[])[0, 1, 2]) await visit.Page.Locator("tbody tr").Nth(i).GetByRole(AriaRole.Checkbox).CheckAsync();
        await visit.Page.Locator(".bulk").GetByText("Verify").ClickAsync();
        await Assertions.Expect(visit.Page.GetByText("Every copy is good.")).ToBeVisibleAsync();
        await Assertions.Expect(visit.Page.Locator(".verdicts tr[data-valid=true]")).ToHaveCountAsync(6);
        await visit.CloseDialogAsync();

        await visit.Page.Locator(".bulk").GetByText("Delete").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".consequences")).ToContainTextAsync("can be brought back");
        await visit.Button("Move to trash").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveTextAsync(["bulk 1.mp4"]);
        Assert.Equal(["bulk 1.mp4"], await NamesAsync());

        await visit.OpenAsync("/trash");
        await visit.Page.GetByRole(AriaRole.Searchbox).FillAsync("bulk");
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveCountAsync(3);
        await visit.Button("Bring back bulk 3.mp4").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".mud-snackbar")).ToContainTextAsync("bulk 3.mp4 is back, with 2 of 2 copies.");
        await Assertions.Expect(visit.Page.Locator(".movie-name")).ToHaveCountAsync(2);
        Assert.Equal(["bulk 1.mp4", "bulk 3.mp4"], await NamesAsync());
        await shared.Client.AssertHoldsAsync("bulk 3.mp4", new MovieBytes(3, 30_000), Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task When_the_last_page_is_emptied_the_one_before_it_is_shown()
    {
        var names = Enumerable.Range(1, 26).Select(number => $"page of {number:00}.mp4").ToList();
        await Task.WhenAll(names.Select(name => shared.Client.StoreAsync(name, new MovieBytes(1, 1000), Cancelled)));
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies?query=page of");
        var shown = visit.Page.Locator(".movie-name");
        await Assertions.Expect(shown).ToHaveCountAsync(25);
        await visit.Button("Next page").ClickAsync();
        await Assertions.Expect(shown).ToHaveTextAsync([names[25]]);
        await visit.ActAsync(names[25], "Delete");
        await visit.Button("Move to trash").ClickAsync();
        await Assertions.Expect(shown).ToHaveCountAsync(25);
        await Assertions.Expect(visit.Button("Next page")).ToBeDisabledAsync();
        await Assertions.Expect(visit.Page.Locator(".empty")).ToHaveCountAsync(0);
        visit.AssertNothingWrong();
        await Task.WhenAll(names[..25].Select(async name => (await shared.Client.DeleteAsync(name, Cancelled)).Dispose()));
    }

    [Fact]
    public async Task A_movie_is_saved_and_its_checksum_its_link_and_playlists_are_taken_along()
    {
        const string name = "take me along (七).mp4";
        var movie = new MovieBytes(77, 60_000);
        await shared.Client.StoreAsync(name, movie, Cancelled);
        var facts = (await shared.Client.FactsAsync(name, Cancelled))!;
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies?query=take me along");
        await visit.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        foreach (var holder in facts.Holders) await Assertions.Expect(visit.Page.Locator(".copies-of")).ToContainTextAsync(holder);

        await visit.Button("Copy the checksum").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("#announcer")).ToHaveTextAsync("Copied");
        Assert.Equal(facts.Checksum, await ClipboardAsync());

        await visit.ActAsync(name, "Copy link");
        await visit.UntilAsync("async before => await navigator.clipboard.readText() !== before", facts.Checksum);
        Assert.Equal(movie.ToArray(), await shared.Client.Http.GetByteArrayAsync(new Uri(await ClipboardAsync()), Cancelled));

        var saved = await visit.Page.RunAndWaitForDownloadAsync(() => visit.ActAsync(name, "Download"));
        Assert.Equal(name, saved.SuggestedFilename);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile((await saved.PathAsync())!));

        foreach (var ask in (Func<Task>[])[() => visit.ActAsync(name, "Playlist"), () => visit.Button("Playlist").ClickAsync()])
        {
            var playlist = await visit.Page.RunAndWaitForDownloadAsync(ask);
            var lines = await File.ReadAllLinesAsync((await playlist.PathAsync())!, Cancelled);
            Assert.Equal("#EXTM3U", lines[0]);
            Assert.Equal(movie.ToArray(), await shared.Client.Http.GetByteArrayAsync(new Uri(lines.Single(static line => line.StartsWith("http", StringComparison.Ordinal))), Cancelled));
        }

        visit.AssertNothingWrong();

        Task<string> ClipboardAsync() => visit.Page.EvaluateAsync<string>("navigator.clipboard.readText()");
    }

    private static FilePayload Named(string name) => new() { Name = name, MimeType = "video/mp4", Buffer = new byte[7] };

    private async Task<IEnumerable<string>> NamesAsync() => (await shared.Client.ListAsync(Cancelled)).Select(static file => file.Name).Where(static name => name.StartsWith("bulk", StringComparison.Ordinal));
}
