using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>How every page looks: light and dark, in both languages, on a telephone, and to a screen reader.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class LookBrowserTests(Chromium chromium, SharedCluster shared)
{
    private const string Movie = "look at me.webm";

    private const string Widest =
        "[...document.querySelectorAll('body *')].filter(part => part.getBoundingClientRect().right > innerWidth + 1).slice(0, 8).map(part => `${part.tagName}.${part.className}`)";

    private const string Focused = "document.activeElement.closest('.mud-drawer a')?.getAttribute('href') ?? null";

    /// <summary>Every address of the navigation, with its title in both languages.</summary>
    private static readonly (string Path, string English, string Chinese)[] _pages =
    [
        ("/", "Overview", "概览"), ("/movies", "Movies", "影片"), ("/upload", "Upload", "上传"), ("/nodes", "Nodes", "节点"), ("/rebalance", "Rebalance", "再平衡"), ("/scrub", "Scrub", "巡检"), ("/trash", "Trash", "回收站"), ("/quarantine", "Quarantine", "隔离区"),
        ("/deletions", "Deletions", "删除记录"), ("/activity", "Activity", "动态"), ("/settings", "Settings", "设置"),
    ];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("en-US", 1280, ColorScheme.Light)]
    [InlineData("zh-CN", 390, ColorScheme.Dark)]
    public async Task Every_page_is_reached_by_the_menu_speaks_the_browsers_language_fits_the_window_and_has_nothing_serious_for_axe(string language, int width, ColorScheme shade)
    {
        await FillAsync();
        var chinese = language == "zh-CN";
        await using var visit = await ConsoleVisit.StartAsync(chromium, shared.Client.Master, language, width, shade: shade);
        await visit.Page.GotoAsync("sign-in");
        await visit.JudgeAsync("sign-in");
        await visit.SignInAsync();
        // Also after the shared watch has drawn it anew, from a thread that speaks no language.
        var drawn = await visit.Page.Locator(".page-head p").TextContentAsync();
        await Assertions.Expect(visit.Page.Locator(".page-head p")).Not.ToHaveTextAsync(drawn!);
        await Assertions.Expect(visit.Page.Locator(".page-head p")).ToContainTextAsync(chinese ? "截至" : "As of");
        foreach (var (path, english, translated) in _pages)
        {
            await visit.GoAsync(chinese ? translated : english, chinese ? "菜单" : "Menu");
            Assert.EndsWith(path, visit.Page.Url, StringComparison.Ordinal);
            Assert.Equal(chinese ? "zh-Hans" : "en", await visit.Page.GetAttributeAsync("html", "lang"));
            Assert.True(await visit.OverflowAsync() <= 0, $"{path} is wider than {width} pixels: {string.Join(", ", await visit.Page.EvaluateAsync<string[]>(Widest))}");
            Assert.Equal(shade == ColorScheme.Dark ? "dark" : "light", await visit.Page.GetAttributeAsync("html", "data-shade"));
            // A text that says how many, and was not asked how many.
            Assert.DoesNotContain('|', await visit.Page.Locator("main").InnerTextAsync());
            // All of it in one shade, and what depends on that in the other.
            await visit.JudgeAsync(path, shade == ColorScheme.Light ? null : "color-contrast");
        }

        await visit.OpenAsync("/not-found");
        await visit.SettledAsync();
        await visit.JudgeAsync("a page that does not exist");
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Dialogs_have_nothing_serious_for_axe_light_or_dark()
    {
        await FillAsync();
        var shade = ColorScheme.Light;
        await using var visit = await chromium.EnterAsync(shared.Client.Master, $"/movies?query={Movie}", shade: shade);
        await visit.Button($"Play {Movie}").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("video")).ToBeVisibleAsync();
        await JudgeAsync("the dialog that plays");
        foreach (var (act, shown) in ((string, string)[])[("Verify", ".verdicts tr[data-valid=true]"), ("Delete", ".consequences")])
        {
            await visit.ActAsync(Movie, act);
            await visit.Page.Locator(shown).First.WaitForAsync();
            await JudgeAsync($"the dialog of {act}");
        }

        foreach (var (page, button) in ((string, string)[])[("Nodes", "Drain: worker-2"), ("Nodes", "Maintenance: worker-2"), ("Quarantine", $"Adopt: {Movie}"), ("Quarantine", $"Remove for good: {Movie}")])
        {
            if (!visit.Page.Url.EndsWith(page, StringComparison.OrdinalIgnoreCase)) await visit.GoAsync(page);
            await visit.Button(button).ClickAsync();
            await visit.Page.Locator(".mud-dialog-actions").WaitForAsync();
            await JudgeAsync($"the dialog of {button}");
        }

        visit.AssertNothingWrong();

        // All of it in one shade, and what depends on that in the other.
        async Task JudgeAsync(string what)
        {
            await visit.SettledAsync();
            await visit.JudgeAsync(what);
            shade = shade == ColorScheme.Light ? ColorScheme.Dark : ColorScheme.Light;
            await visit.TurnAsync(shade);
            await visit.JudgeAsync($"{what}, turned {shade}", "color-contrast");
            await visit.CloseDialogAsync();
        }
    }

    [Fact]
    public async Task The_language_is_the_browsers_until_another_is_chosen_which_is_kept_and_so_is_the_shade()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/upload", "zh-CN");
        await Assertions.Expect(visit.Page.GetByText("将影片或文件夹拖放到此处")).ToBeVisibleAsync();
        await visit.Button("语言").ClickAsync();
        await visit.Page.Locator(".mud-popover-open [data-language=en]").ClickAsync();
        await Assertions.Expect(visit.Text("Drop movies or folders here")).ToBeVisibleAsync();
        await visit.UntilAsync("() => document.documentElement.dataset.shade === 'light'");
        await visit.TurnAsync(ColorScheme.Dark);
        await visit.UntilAsync("() => document.documentElement.dataset.shade === 'dark'");
        await visit.Button("Light or dark").ClickAsync();
        await visit.Page.Locator(".mud-popover-open").GetByText("Light", new LocatorGetByTextOptions { Exact = true }).ClickAsync();
        await visit.UntilAsync("() => document.documentElement.dataset.shade === 'light'");
        await visit.OpenAsync("/movies");
        await Assertions.Expect(visit.Page.Locator("main h1")).ToHaveTextAsync("Movies");
        await Assertions.Expect(visit.Page.Locator(".mud-table-head")).ToContainTextAsync("Checksum");
        Assert.Equal("light", await visit.Page.GetAttributeAsync("html", "data-shade"));

        // Also for who has signed out.
        await visit.Button("Account").ClickAsync();
        await visit.Text("Sign out").ClickAsync();
        await visit.Page.IsSignInAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign in" })).ToBeVisibleAsync();
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task With_the_keyboard_alone_every_page_is_reached_by_tab_and_enter()
    {
        await using var keys = await chromium.EnterAsync(shared.Client.Master, "/");
        await keys.Page.EvaluateAsync("document.activeElement.blur()");
        await keys.Page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(keys.Page.Locator(".skip")).ToBeFocusedAsync();
        var passed = new List<string>();
        for (var i = 0; i < 60 && passed.LastOrDefault() != _pages[^1].Path; i++)
        {
            await keys.Page.Keyboard.PressAsync("Tab");
            if (await keys.Page.EvaluateAsync<string?>(Focused) is { } address) passed.Add(address);
        }

        Assert.Equal(_pages.Select(static page => page.Path), passed);
        for (var i = 0; i < _pages.Length && await keys.Page.EvaluateAsync<string?>(Focused) != "/nodes"; i++) await keys.Page.Keyboard.PressAsync("Shift+Tab");
        await keys.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(keys.Page.Locator("main h1")).ToHaveTextAsync("Nodes");
        keys.AssertNothingWrong();
    }

    /// <summary>Something on every page; the same for every test of the class.</summary>
    private async Task FillAsync()
    {
        if (await shared.Client.FactsAsync(Movie, Cancelled) is not null) return;
        foreach (var name in (string[])["七人の侍 (1954).mkv", "Metropolis (1927).mp4", "look, it is deleted.mp4", Movie]) await shared.Client.StoreAsync(name, new MovieBytes((ulong)name.Length, 40_000L * name.Length), Cancelled);
        using var deleted = await shared.Client.DeleteAsync("look, it is deleted.mp4", Cancelled);
        // The longest of what the trash says of a movie.
        await shared.Client.StoreAsync("Metropolis (1927).mp4", new MovieBytes(1, 50_000), Cancelled);
        var movie = (await shared.Client.FactsAsync(Movie, Cancelled))!;
        Aside.Put(shared.Cluster, shared.Cluster.Worker(movie.Holders.First()), movie.Version, "Its node was away longer than deletions are remembered, and the catalog does not know it.");
    }
}
