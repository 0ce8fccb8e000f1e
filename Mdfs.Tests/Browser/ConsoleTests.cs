using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>The console in a real browser: every page, both languages, both shades, on a telephone, with names that try to break out.</summary>
public sealed partial class ConsoleTests(Chromium chromium, SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const string Hostile = "\"><script>alert(1)<img src=x onerror=alert(2)><svg onload=alert(3)> 'a' `${7*7}` {{7*7}} & ünï 🎬🍿.mp4";

    private static readonly string[] _pages = ["/", "/movies", "/nodes", "/deletions", "/activity", "/settings"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("en-US", "Overview", 1280, ColorScheme.Light)]
    [InlineData("zh-CN", "概览", 390, ColorScheme.Dark)]
    public async Task Every_page_speaks_the_browsers_language_fits_the_window_and_lets_no_name_break_out(string language, string overview, int width, ColorScheme shade)
    {
        await shared.Client.StoreAsync(Hostile, new MovieBytes(80, 3000), Cancelled);
        await shared.Client.StoreAsync("gone " + Hostile, new MovieBytes(81, 3000), Cancelled);
        using (await shared.Client.DeleteAsync("gone " + Hostile, Cancelled))
        {
        }

        await using var visit = await ConsoleVisit.StartAsync(chromium, shared.Client.Master, language, width, shade: shade);
        await visit.SignInAsync();
        foreach (var path in _pages)
        {
            var page = await visit.OpenAsync(path);
            if (path == "/") await Assertions.Expect(page.Locator("main h1")).ToHaveTextAsync(overview);
            if (path == "/movies") await Assertions.Expect(page.Locator(".movie-name").First).ToHaveTextAsync(Hostile);
            if (path == "/deletions") await Assertions.Expect(page.Locator(".movie-name").First).ToHaveTextAsync("gone " + Hostile);
            // Also after the shared watch has drawn it anew, from a thread that speaks no language.
            await page.WaitForTimeoutAsync(100);
            Assert.Equal(language.StartsWith("zh", StringComparison.Ordinal) ? "zh-Hans" : "en", await page.GetAttributeAsync("html", "lang"));
            Assert.True(await visit.OverflowAsync() <= 0, $"{path} is wider than {width} pixels.");
        }

        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Movies_are_found_sorted_verified_and_deleted()
    {
        foreach (var (name, size) in ((string, int)[])[("find me.mp4", 9000), ("find me too.mkv", 4000), ("other.webm", 6000)])
            await shared.Client.StoreAsync(name, new MovieBytes((ulong)size, size), Cancelled);

        await using var visit = await ConsoleVisit.StartAsync(chromium, shared.Client.Master);
        await visit.SignInAsync();
        var page = await visit.OpenAsync("/movies");
        await page.FillAsync(".search input", "FIND me");
        await Assertions.Expect(page.Locator(".movie-name")).ToHaveCountAsync(2);
        await page.ClickAsync(".mud-table-sort-label:has-text('Size')");
        await Assertions.Expect(page.Locator(".movie-name").First).ToHaveTextAsync("find me too.mkv");

        await page.GetByLabel("Actions for find me.mp4").ClickAsync();
        await page.Locator(".mud-menu-item", new PageLocatorOptions { HasTextString = "Verify" }).ClickAsync();
        await Assertions.Expect(page.Locator(".verdicts tr[data-valid=true]")).ToHaveCountAsync(2);
        await page.Locator(".mud-dialog-actions button").ClickAsync();

        await page.Locator(".movies tbody .mud-checkbox input").First.CheckAsync();
        await page.Locator(".bulk button", new PageLocatorOptions { HasTextString = "Delete" }).ClickAsync();
        await Assertions.Expect(page.Locator(".consequences")).ToContainTextAsync("gone for good");
        await page.GetByText("Delete for good", new PageGetByTextOptions { Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".movie-name")).ToHaveCountAsync(1);
        Assert.Null(await shared.Client.FactsAsync("find me too.mkv", Cancelled));
        Assert.NotNull(await shared.Client.FactsAsync("find me.mp4", Cancelled));
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_wrong_key_is_told_and_signing_out_empties_every_tab()
    {
        await using var visit = await ConsoleVisit.StartAsync(chromium, shared.Client.Master);
        await visit.SignInAsync("not the key");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("That is not the admin key.");
        await visit.SignInAsync();
        var second = await visit.NewPageAsync();
        await second.GotoAsync("nodes");
        await second.Locator("main h1").WaitForAsync();

        await visit.Page.GetByLabel("Account").ClickAsync();
        await visit.Page.Locator(".mud-menu-item", new PageLocatorOptions { HasTextString = "Sign out" }).First.ClickAsync();
        await Assertions.Expect(visit.Page).ToHaveURLAsync(SignIn());
        await Assertions.Expect(second).ToHaveURLAsync(SignIn());
        visit.AssertNothingWrong();
    }

    [GeneratedRegex("/sign-in$")]
    private static partial Regex SignIn();
}
