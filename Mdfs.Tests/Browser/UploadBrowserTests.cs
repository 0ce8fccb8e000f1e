using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Uploads as people do them: many at once, over networks that break, with names that are taken.</summary>
[Collection(ConsoleCluster.Name)]
public sealed partial class UploadBrowserTests(Chromium chromium, SharedCluster shared)
{
    internal const string Files = "[data-pick=files]";
    private const string Folder = "[data-pick=folder]";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sixty_mebibytes_arrive_whole_although_the_network_was_cut_and_the_page_reloaded_in_the_middle()
    {
        const long size = 60L << 20;
        using var temp = new TempDirectory();
        var movie = new MovieBytes(90, size);
        var path = movie.WriteTo(temp["long film.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 18 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync(Files, path);
        var row = Row(visit, "long film.mp4");

        await PassAsync(visit, 20);
        network.Cut();
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "offline");
        network.Mend();
        // It goes on by itself, from where it was.
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "sending");
        await PassAsync(visit, 50);

        await visit.Page.ReloadAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "Not finished" })).ToContainTextAsync("long film.mp4");
        var before = network.Sent;
        network.Rate = 0;
        await visit.Page.SetInputFilesAsync(Files, path);
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "done");
        // Not from the beginning.
        Assert.InRange(network.Sent - before, 1, size * 2 / 3);

        await shared.Client.AssertHoldsAsync("long film.mp4", movie, Cancelled);
        Assert.Equal(2, (await shared.Client.FactsAsync("long film.mp4", Cancelled))!.Copies);
        await Assertions.Expect(row).ToContainTextAsync("2 of 2 copies");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_the_master_would_refuse_is_refused_with_its_reason_before_a_byte_is_sent()
    {
        using var temp = new TempDirectory();
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        var asked = 0;
        visit.Page.Request += (_, request) => asked += request.Url.Contains("/api/uploads", StringComparison.Ordinal) ? 1 : 0;
        await visit.Page.SetInputFilesAsync(Files, [File("notes.txt"), File("empty.mp4", 0), File(new string('x', 260) + ".mp4"), File(" leading.mp4"), File("a\u0007bell.mp4")]);
        foreach (var (name, reason) in ((string, string)[])
        [
            ("notes.txt", "Files ending in .txt are not accepted, only .mp4"), ("empty.mp4", "The file is empty."), (new string('x', 260) + ".mp4", "too long: 264 bytes"),
            (" leading.mp4", "begins or ends with a space"), ("a\u0007bell.mp4", "control characters"),
        ])
        {
            await Assertions.Expect(Row(visit, name)).ToContainTextAsync(reason);
        }

        Assert.Equal(0, asked);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Of_a_name_that_is_taken_the_person_decides_what_becomes()
    {
        foreach (var name in (string[])["replaced.mp4", "both.mp4", "skipped.mp4"]) await shared.Client.StoreAsync(name, new MovieBytes(1, 1000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.SetInputFilesAsync(Files, [File("replaced.mp4", 5000), File("both.mp4", 6000), File("skipped.mp4", 7000)]);
        await Act(visit, "replaced.mp4", "Replace").ClickAsync();
        await Act(visit, "both.mp4", "Keep").ClickAsync();
        await Act(visit, "skipped.mp4", "Skip").ClickAsync();
        await Assertions.Expect(Row(visit, "replaced.mp4")).ToHaveAttributeAsync("data-state", "done");
        await Assertions.Expect(Row(visit, "both (2).mp4")).ToHaveAttributeAsync("data-state", "done");
        await Assertions.Expect(Row(visit, "skipped.mp4")).ToHaveAttributeAsync("data-state", "cancelled");
        var sizes = (await shared.Client.ListAsync(Cancelled)).ToDictionary(file => file.Name, file => file.Size);
        Assert.Equal((5000L, 1000L, 6000L, 1000L), (sizes["replaced.mp4"], sizes["both.mp4"], sizes["both (2).mp4"], sizes["skipped.mp4"]));
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task An_upload_can_be_paused_gone_on_with_and_cancelled_and_goes_on_while_other_pages_are_shown()
    {
        using var temp = new TempDirectory();
        var path = new MovieBytes(91, 24L << 20).WriteTo(temp["paused.mp4"]);
        var unwanted = new MovieBytes(92, 24L << 20).WriteTo(temp["unwanted.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 4 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync(Files, [path, unwanted]);
        await Act(visit, "paused.mp4", "Pause").ClickAsync();
        await Assertions.Expect(Row(visit, "paused.mp4")).ToContainTextAsync("paused");
        await Act(visit, "unwanted.mp4", "Cancel").ClickAsync();
        await Assertions.Expect(Row(visit, "unwanted.mp4")).ToHaveAttributeAsync("data-state", "cancelled");
        await Act(visit, "paused.mp4", "Resume").ClickAsync();
        await Assertions.Expect(Row(visit, "paused.mp4")).ToContainTextAsync(SpeedAndTime());
        await Assertions.Expect(visit.Page.Locator(".upload-sum")).ToContainTextAsync(SpeedAndTime());

        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Nodes" }).ClickAsync();
        await Assertions.Expect(visit.Page.Locator("main h1")).ToHaveTextAsync("Nodes");
        network.Rate = 0;
        await Eventually.TrueAsync(async () => await shared.Client.FactsAsync("paused.mp4", Cancelled) is not null, "the film arrived", MdfsClient.Patience, Cancelled);
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Upload" }).ClickAsync();
        await Assertions.Expect(Row(visit, "paused.mp4")).ToHaveAttributeAsync("data-state", "done");
        Assert.Null(await shared.Client.FactsAsync("unwanted.mp4", Cancelled));
        // Cancelled is cancelled: nothing of it lies on any disk.
        await Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Pausing_all_of_them_begins_none_of_those_that_had_not_begun()
    {
        using var temp = new TempDirectory();
        string[] names = ["all 1.mp4", "all 2.mp4", "all 3.mp4", "all 4.mp4", "all 5.mp4"];
        var paths = names.Select((name, at) => new MovieBytes(93 + (ulong)at, 12L << 20).WriteTo(temp[name])).ToArray();
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        var begun = 0;
        visit.Page.Request += (_, request) => begun += request.Method == "POST" && request.Url.EndsWith("/api/uploads", StringComparison.Ordinal) ? 1 : 0;
        await visit.Page.SetInputFilesAsync(Files, paths);
        foreach (var name in names[..2]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "sending");
        foreach (var name in names[2..]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "ready");

        await visit.Page.ClickAsync("[data-all=PauseAll]");
        foreach (var name in names) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "paused");
        // Whatever had been begun by pausing was begun before this one.
        await Act(visit, "all 5.mp4", "Resume").ClickAsync();
        await visit.UntilAsync("() => Number(document.querySelector('.uploads li[data-name=\"all 5.mp4\"] [role=progressbar]').getAttribute('aria-valuenow')) > 0");
        Assert.Equal(3, begun);

        network.Rate = 0;
        await visit.Page.ClickAsync("[data-all=ResumeAll]");
        foreach (var name in names) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        Assert.Equal(names.Length, begun);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task An_answer_for_all_of_them_is_not_taken_for_what_is_added_later()
    {
        foreach (var name in (string[])["one of all.mp4", "two of all.mp4", "added later.mp4"]) await shared.Client.StoreAsync(name, new MovieBytes(1, 1000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.SetInputFilesAsync(Files, [File("one of all.mp4", 5000), File("two of all.mp4", 5000)]);
        foreach (var name in (string[])["one of all.mp4", "two of all.mp4"]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "asking");
        await Row(visit, "two of all.mp4").Locator(".for-all input").CheckAsync();
        await Act(visit, "two of all.mp4", "Replace").ClickAsync();
        foreach (var name in (string[])["one of all.mp4", "two of all.mp4"]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");

        await visit.Page.SetInputFilesAsync(Files, [File("added later.mp4", 5000)]);
        await Assertions.Expect(Row(visit, "added later.mp4")).ToHaveAttributeAsync("data-state", "asking");
        Assert.Equal(1000, (await shared.Client.FactsAsync("added later.mp4", Cancelled))!.Size);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Folders_and_drops_are_taken_and_of_two_files_with_one_name_only_one()
    {
        using var temp = new TempDirectory();
        foreach (var (file, seed) in ((string, ulong)[])[("library/one/first.mp4", 1), ("library/one/same.mp4", 2), ("library/two/same.mp4", 3), ("library/two/cover.jpg", 4)]) new MovieBytes(seed, 3000).WriteTo(temp[file]);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.SetInputFilesAsync(Folder, temp["library"]);
        await Assertions.Expect(Row(visit, "first.mp4")).ToHaveAttributeAsync("data-state", "done");
        await Assertions.Expect(Row(visit, "cover.jpg")).ToHaveAttributeAsync("data-state", "refused");
        await Assertions.Expect(visit.Page.Locator("[data-name=\"same.mp4\"][data-state=refused]")).ToHaveCountAsync(1);
        await Assertions.Expect(visit.Page.Locator("[data-name=\"same.mp4\"][data-state=done]")).ToHaveCountAsync(1);

        await visit.DropAsync(
            """
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(4000)], 'dropped.webm'));
            """);
        await Assertions.Expect(Row(visit, "dropped.webm")).ToHaveAttributeAsync("data-state", "done");
        Assert.Equal(4000, (await shared.Client.FactsAsync("dropped.webm", Cancelled))!.Size);
        visit.AssertNothingWrong();
    }

    [GeneratedRegex("[0-9.]+ [KM]iB/s · [0-9]+ (s|min) left")]
    private static partial Regex SpeedAndTime();

    internal static FilePayload File(string name, int size = 1000) => new() { Name = name, MimeType = "video/mp4", Buffer = new byte[size] };

    internal static ILocator Row(ConsoleVisit visit, string name) => visit.Page.Locator($".uploads li[data-name=\"{name}\"]");

    internal static ILocator Act(ConsoleVisit visit, string name, string act) => Row(visit, name).Locator($"[data-act={act}]");

    /// <summary>Waits until an upload has come so far, in per cent.</summary>
    private static Task PassAsync(ConsoleVisit visit, int percent) =>
        visit.UntilAsync("percent => Number(document.querySelector('.uploads [role=progressbar]')?.getAttribute('aria-valuenow')) >= percent", percent);
}
