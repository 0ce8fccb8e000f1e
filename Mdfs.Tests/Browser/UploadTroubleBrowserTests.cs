using Mdfs.Tests.Support;
using Microsoft.Playwright;
using static Mdfs.Tests.Browser.UploadBrowserTests;

namespace Mdfs.Tests.Browser;

/// <summary>Uploads when answers do not come, come late or are lost, and when more than one tab is open: nothing is replaced unasked, nothing is left behind, nothing is sent twice.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class UploadTroubleBrowserTests(Chromium chromium, SharedCluster shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_sent_as_long_as_nobody_can_say_whether_the_name_is_free()
    {
        foreach (var name in (string[])["unchecked.mp4", "unchecked (2).mp4"]) await shared.Client.StoreAsync(name, new MovieBytes(1, 1000), Cancelled);
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        var (asked, away) = (0, true);
        await visit.Page.RouteAsync("**/api/files/**", async route =>
        {
            if (route.Request.Method != "HEAD" || !away) await route.ContinueAsync();
            else if (++asked % 2 == 0) await route.AbortAsync();
            else await route.FulfillAsync(new RouteFulfillOptions { Status = 503 });
        });
        await visit.Page.SetInputFilesAsync(Files, File("unchecked.mp4", 5000));
        await AskedAsync(2);
        await Assertions.Expect(Row(visit, "unchecked.mp4")).ToHaveAttributeAsync("data-state", "checking");
        away = false;
        await Assertions.Expect(Row(visit, "unchecked.mp4")).ToHaveAttributeAsync("data-state", "asking");

        (asked, away) = (0, true);
        await Act(visit, "unchecked.mp4", "Keep").ClickAsync();
        await AskedAsync(2);
        away = false;
        await Assertions.Expect(Row(visit, "unchecked (3).mp4")).ToHaveAttributeAsync("data-state", "done");
        foreach (var name in (string[])["unchecked.mp4", "unchecked (2).mp4"]) Assert.Equal(1000, (await shared.Client.FactsAsync(name, Cancelled))!.Size);
        visit.AssertNothingWrong();

        Task AskedAsync(int times) => Eventually.TrueAsync(() => asked >= times, "the page asks again", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task A_name_that_nobody_can_say_anything_of_holds_up_none_of_the_others()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.RouteAsync("**/api/files/**", async route =>
        {
            var (url, head) = (Uri.UnescapeDataString(route.Request.Url), route.Request.Method == "HEAD");
            if (url.EndsWith("broken there.mp4", StringComparison.Ordinal)) await route.FulfillAsync(new RouteFulfillOptions { Status = 500 });
            else if (url.EndsWith("forbidden word.mp4", StringComparison.Ordinal)) await route.FulfillAsync(new RouteFulfillOptions { Status = 406, ContentType = "application/problem+json", Body = """{"detail":"Not with that word."}""" });
            else if (url.EndsWith("without HEAD.mp4", StringComparison.Ordinal) && head) await route.FulfillAsync(new RouteFulfillOptions { Status = 405 });
            else await route.ContinueAsync();
        });
        await visit.Page.SetInputFilesAsync(Files, [File("broken there.mp4"), File("forbidden word.mp4"), File("without HEAD.mp4"), File("behind them.mp4")]);
        foreach (var name in (string[])["behind them.mp4", "without HEAD.mp4"]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        await Assertions.Expect(Row(visit, "forbidden word.mp4")).ToHaveAttributeAsync("data-state", "failed");
        await Assertions.Expect(Row(visit, "forbidden word.mp4")).ToContainTextAsync("Not with that word.");
        await Assertions.Expect(Row(visit, "broken there.mp4")).ToHaveAttributeAsync("data-state", "checking");
        await Assertions.Expect(Row(visit, "broken there.mp4")).ToContainTextAsync("The server answers 500.");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_tab_that_crashed_holds_no_file_and_one_that_answers_keeps_its_own()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.Locator(".drop-zone").WaitForAsync();
        await visit.DropAsync(
            """
            const other = new BroadcastChannel('mdfs-uploads');
            const tell = (tab, name) => other.postMessage({ tab, keys: [`${name} 4000 1`] });
            tell('crashed', 'of a crashed tab.mp4');
            other.onmessage = ({ data }) => { if (!data.keys) tell('alive', 'of another tab.mp4'); };
            tell('alive', 'of another tab.mp4');
            await new Promise(resolve => setTimeout(resolve, 100));

            const transfer = new DataTransfer();
            for (const name of ['of a crashed tab.mp4', 'of another tab.mp4']) transfer.items.add(new File([new Uint8Array(4000)], name, { lastModified: 1 }));
            document.dispatchEvent(new Event('visibilitychange'));
            """);
        await Assertions.Expect(Row(visit, "of a crashed tab.mp4")).ToHaveAttributeAsync("data-state", "done");
        await Assertions.Expect(Row(visit, "of another tab.mp4")).ToHaveAttributeAsync("data-state", "refused");
        await Assertions.Expect(Row(visit, "of another tab.mp4")).ToContainTextAsync("Another tab");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task An_upload_that_is_cancelled_while_it_is_being_made_at_the_second_attempt_leaves_nothing_behind()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        var (attempts, made, told) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        await visit.Page.RouteAsync("**/api/uploads", async route =>
        {
            if (++attempts == 1)
            {
                await route.AbortAsync();
                return;
            }

            var answer = await route.FetchAsync();
            made.SetResult();
            await told.Task;
            await route.FulfillAsync(new RouteFulfillOptions { Response = answer });
        });
        await visit.Page.SetInputFilesAsync(Files, File("made twice.mp4", 5000));
        await made.Task.WaitAsync(MdfsClient.Patience, Cancelled);
        Assert.NotEmpty(shared.Incoming());
        await Act(visit, "made twice.mp4", "Cancel").ClickAsync();
        await Assertions.Expect(Row(visit, "made twice.mp4")).ToHaveAttributeAsync("data-state", "cancelled");
        told.SetResult();
        await Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_one_tab_is_sending_is_not_unfinished_in_another_until_that_tab_is_gone()
    {
        using var temp = new TempDirectory();
        var path = new MovieBytes(98, 24L << 20).WriteTo(temp["two tabs.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync(Files, path);
        await BegunAsync(visit);

        var second = await visit.NewPageAsync();
        await second.GotoAsync("upload");
        await second.Locator(".drop-zone").WaitForAsync();
        var unfinished = second.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "Not finished" });
        await Assertions.Expect(unfinished).ToBeHiddenAsync();
        await second.SetInputFilesAsync(Files, path);
        await Assertions.Expect(second.Locator(".uploads li")).ToHaveAttributeAsync("data-state", "refused");
        await Assertions.Expect(second.Locator(".uploads li")).ToContainTextAsync("Another tab");
        await Assertions.Expect(Row(visit, "two tabs.mp4")).ToHaveAttributeAsync("data-state", "sending");

        await visit.Page.GotoAsync("nodes");
        await Assertions.Expect(unfinished).ToContainTextAsync("two tabs.mp4");
        network.Rate = 0;
        await second.SetInputFilesAsync(Files, path);
        await Assertions.Expect(second.Locator(".uploads li[data-state=done]")).ToHaveCountAsync(1);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Files_that_change_before_they_are_read_fail_and_hold_up_none_of_the_others()
    {
        using var temp = new TempDirectory();
        string[] slow = ["slow 1.mp4", "slow 2.mp4"], changed = ["changed 1.mp4", "changed 2.mp4"];
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync(Files, [.. slow.Select(name => new MovieBytes(100, 12L << 20).WriteTo(temp[name])), .. changed.Select(name => new MovieBytes(101, 1L << 20).WriteTo(temp[name]))]);
        foreach (var name in slow) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "sending");
        foreach (var name in changed)
        {
            await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "ready");
            await System.IO.File.AppendAllTextAsync(temp[name], "x", Cancelled);
            // A browser looks at whole seconds.
            System.IO.File.SetLastWriteTimeUtc(temp[name], DateTime.UtcNow.AddSeconds(10));
        }

        await visit.Page.SetInputFilesAsync(Files, File("behind what changed.mp4"));
        await Assertions.Expect(Row(visit, "behind what changed.mp4")).ToHaveAttributeAsync("data-state", "ready");
        network.Rate = 0;
        foreach (var name in changed)
        {
            await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "failed");
            await Assertions.Expect(Row(visit, name)).ToContainTextAsync("could not be read");
        }

        foreach (var name in (string[])[.. slow, "behind what changed.mp4"]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        await Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left of what failed", MdfsClient.Patience, Cancelled);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_had_arrived_of_a_file_that_was_chosen_again_and_has_changed_since_stays()
    {
        using var temp = new TempDirectory();
        var path = new MovieBytes(106, 12L << 20).WriteTo(temp["changed again.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        var (unfinished, left) = await LeaveUnfinishedAsync(visit, path);

        string[] slow = ["slow before it 1.mp4", "slow before it 2.mp4"];
        await SendSlowlyAsync(visit, temp, slow);
        // The line goes down before it is its turn: nobody has been able to say how much of it is there.
        await visit.Page.RouteAsync("**/api/uploads/*", async route =>
        {
            if (route.Request.Method == "HEAD") await route.AbortAsync();
            else await route.ContinueAsync();
        });
        await visit.Page.SetInputFilesAsync(Files, path);
        await Assertions.Expect(Row(visit, "changed again.mp4")).ToHaveAttributeAsync("data-state", "ready");
        await System.IO.File.AppendAllTextAsync(path, "x", Cancelled);
        // A browser looks at whole seconds.
        System.IO.File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(10));
        network.Rate = 0;
        await Assertions.Expect(Row(visit, "changed again.mp4")).ToHaveAttributeAsync("data-state", "failed");
        await Assertions.Expect(unfinished).ToContainTextAsync("changed again.mp4");
        Assert.NotEmpty(shared.Incoming().Intersect(left));

        await unfinished.GetByRole(AriaRole.Button).ClickAsync();
        await Eventually.TrueAsync(() => !shared.Incoming().Intersect(left).Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
        foreach (var name in slow) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_movie_that_takes_the_name_while_another_is_being_sent_is_not_replaced_unasked()
    {
        const string name = "taken meanwhile.mp4";
        using var temp = new TempDirectory();
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        await visit.Page.SetInputFilesAsync(Files, new MovieBytes(105, 6L << 20).WriteTo(temp[name]));
        await BegunAsync(visit);
        await shared.Client.StoreAsync(name, new MovieBytes(1, 1000), Cancelled);
        network.Rate = 0;
        await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "asking");
        Assert.Equal(1000, (await shared.Client.FactsAsync(name, Cancelled))!.Size);
        await Eventually.TrueAsync(() => !shared.Incoming().Any(), "the upload has been ended", MdfsClient.Patience, Cancelled);

        await Act(visit, name, "Replace").ClickAsync();
        await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        Assert.Equal(6L << 20, (await shared.Client.FactsAsync(name, Cancelled))!.Size);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_is_chosen_again_and_cancelled_before_it_goes_on_leaves_nothing_behind()
    {
        using var temp = new TempDirectory();
        var path = new MovieBytes(102, 12L << 20).WriteTo(temp["chosen again.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        var (unfinished, left) = await LeaveUnfinishedAsync(visit, path);

        string[] slow = ["before it 1.mp4", "before it 2.mp4"];
        await SendSlowlyAsync(visit, temp, slow);
        await visit.Page.SetInputFilesAsync(Files, path);
        await Assertions.Expect(Row(visit, "chosen again.mp4")).ToHaveAttributeAsync("data-state", "ready");
        await Act(visit, "chosen again.mp4", "Cancel").ClickAsync();
        await Eventually.TrueAsync(() => !shared.Incoming().Intersect(left).Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
        await Assertions.Expect(unfinished).ToBeHiddenAsync();
        network.Rate = 0;
        foreach (var name in slow) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Of_a_drop_whatever_can_be_read_is_taken_and_the_rest_is_named()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload");
        await visit.Page.Locator(".drop-zone").WaitForAsync();
        await visit.DropAsync(
            """
            const bad = () => new DOMException('no', 'NotReadableError');
            const entries = {
              'gone.mp4': { isFile: true, name: 'gone.mp4', fullPath: '/gone.mp4', file: (good, wrong) => wrong(bad()) },
              'closed': { isDirectory: true, name: 'closed', fullPath: '/closed', createReader: () => ({ readEntries: (good, wrong) => wrong(bad()) }) },
              'dropped well.mp4': null,
            };
            const transfer = new DataTransfer();
            for (const name of Object.keys(entries)) transfer.items.add(new File([new Uint8Array(4000)], name));
            DataTransferItem.prototype.webkitGetAsEntry = function () { return entries[this.getAsFile().name]; };
            """);
        await Assertions.Expect(Row(visit, "dropped well.mp4")).ToHaveAttributeAsync("data-state", "done");
        foreach (var name in (string[])["gone.mp4", "closed"])
        {
            await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "refused");
            await Assertions.Expect(Row(visit, name)).ToContainTextAsync("could not be read");
        }

        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_was_still_being_checked_when_all_were_paused_is_paused_too()
    {
        using var temp = new TempDirectory();
        var path = new MovieBytes(99, 12L << 20).WriteTo(temp["early.mp4"]);
        await using var network = new NetworkProxy(shared.Client.Master.Port) { Rate = 1 << 20 };
        await using var visit = await chromium.EnterAsync(network.Address, "/upload");
        var checking = new TaskCompletionSource();
        await visit.Page.RouteAsync("**/api/files/late.mp4", async route =>
        {
            if (route.Request.Method == "HEAD") await checking.Task;
            await route.ContinueAsync();
        });
        await visit.Page.SetInputFilesAsync(Files, path);
        await Assertions.Expect(Row(visit, "early.mp4")).ToHaveAttributeAsync("data-state", "sending");
        await visit.Page.SetInputFilesAsync(Files, File("late.mp4"));
        await Assertions.Expect(Row(visit, "late.mp4")).ToHaveAttributeAsync("data-state", "checking");
        await visit.Page.ClickAsync("[data-all=PauseAll]");
        await Assertions.Expect(Row(visit, "early.mp4")).ToHaveAttributeAsync("data-state", "paused");
        checking.SetResult();
        await Assertions.Expect(Row(visit, "late.mp4")).ToHaveAttributeAsync("data-state", "paused");

        network.Rate = 0;
        await visit.Page.ClickAsync("[data-all=ResumeAll]");
        foreach (var name in (string[])["early.mp4", "late.mp4"]) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "done");
        visit.AssertNothingWrong();
    }

    private static Task BegunAsync(ConsoleVisit visit) =>
        visit.UntilAsync("() => Number(document.querySelector('.uploads [role=progressbar]')?.getAttribute('aria-valuenow')) > 0");

    /// <summary>A file of which a part had arrived when the page began anew.</summary>
    /// <returns>Where the page says so, and what lies with the workers.</returns>
    private async Task<(ILocator Unfinished, List<string> Left)> LeaveUnfinishedAsync(ConsoleVisit visit, string path)
    {
        await visit.Page.SetInputFilesAsync(Files, path);
        await BegunAsync(visit);
        await visit.Page.ReloadAsync();
        var unfinished = visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "Not finished" });
        await Assertions.Expect(unfinished).ToContainTextAsync(Path.GetFileName(path));
        var left = shared.Incoming().ToList();
        Assert.NotEmpty(left);
        return (unfinished, left);
    }

    /// <summary>What is chosen behind these waits for its turn.</summary>
    private static async Task SendSlowlyAsync(ConsoleVisit visit, TempDirectory temp, string[] names)
    {
        await visit.Page.SetInputFilesAsync(Files, [.. names.Select(name => new MovieBytes(103, 12L << 20).WriteTo(temp[name]))]);
        foreach (var name in names) await Assertions.Expect(Row(visit, name)).ToHaveAttributeAsync("data-state", "sending");
    }
}
