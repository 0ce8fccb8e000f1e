using Deque.AxeCore.Commons;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>What tests with a browser do again and again.</summary>
internal static class VisitSteps
{
    /// <summary>A name that would be more than text if a page let it. There are no slashes in names.</summary>
    public const string Hostile = "\"><script>alert(1)<img src=x onerror=alert(2)>'&#x27;<svg onload=alert(3)> {{7*7}} ${7*7} 🎬🍿 七人の侍.mp4";

    /// <summary>Only what is bad comes back, as text: what is good is most of it.</summary>
    private const string Judge =
        """
        async only => {
          const found = await axe.run(document, only ? { resultTypes: ['violations'], runOnly: [only] } : { resultTypes: ['violations'] });
          return found.violations.filter(one => one.impact === 'serious' || one.impact === 'critical').map(one => `${one.id}: ${one.nodes.map(node => `${node.html} (${node.failureSummary})`).join(' | ')}`);
        }
        """;

    private const string Still = "!document.getAnimations().some(one => one instanceof CSSTransition)";

    private const string Surface = "getComputedStyle(document.documentElement).getPropertyValue('--mud-palette-surface')";

    private static readonly Lazy<string> _axe = new(static () => $"() => {{ {new BundledAxeScriptProvider().GetScript()} }}");

    /// <summary>Somebody who has signed in and is on that page.</summary>
    public static async Task<ConsoleVisit> EnterAsync(
        this Chromium chromium, Uri console, string path, string language = "en-US", int width = 1280, int height = 860, ColorScheme shade = ColorScheme.Light)
    {
        var visit = await ConsoleVisit.StartAsync(chromium, console, language, width, height, shade);
        // Who is not signed in is asked for the key, and is then where he wanted to be: one circuit instead of two.
        await visit.Page.GotoAsync(path.TrimStart('/'));
        await visit.EnterKeyAsync(TestCluster.AdminKey);
        await visit.ReadyAsync();
        return visit;
    }

    public static ILocator Text(this ConsoleVisit visit, string text) => visit.Page.GetByText(text, new PageGetByTextOptions { Exact = true });

    public static ILocator Button(this ConsoleVisit visit, string name) => visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    /// <summary>Waits until the page is the sign-in.</summary>
    public static Task IsSignInAsync(this IPage page) => Assertions.Expect(page.Locator("#key")).ToBeVisibleAsync();

    /// <summary>To another page by the console's own navigation; on a telephone that is opened first. The circuit stays.</summary>
    public static async Task GoAsync(this ConsoleVisit visit, string title, string menu = "Menu")
    {
        var link = visit.Page.Locator(".mud-drawer").GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = title, Exact = true });
        var opens = visit.Button(menu);
        if (await opens.IsVisibleAsync() && (!await link.IsVisibleAsync() || await opens.GetAttributeAsync("aria-expanded") == "false")) await opens.ClickAsync();
        await link.ClickAsync();
        await Assertions.Expect(visit.Page.Locator("main h1")).ToHaveTextAsync(title);
        await visit.SettledAsync();
    }

    /// <summary>What the page asked the master for is there, and nothing is on its way from one look to another.</summary>
    public static Task SettledAsync(this ConsoleVisit visit) => visit.UntilAsync($"() => !document.querySelector('main .mud-progress-circular, main .mud-skeleton, main .mud-table-loading') && {Still}");

    /// <summary>Chooses from the menu of a movie's row.</summary>
    public static async Task ActAsync(this ConsoleVisit visit, string movie, string act)
    {
        await visit.Button($"Actions for {movie}").ClickAsync();
        await visit.Page.Locator(".mud-popover-open").GetByText(act, new LocatorGetByTextOptions { Exact = true }).ClickAsync();
    }

    public static async Task CloseDialogAsync(this ConsoleVisit visit)
    {
        // A dialog that has only just opened hears no keys yet; a person presses again.
        await Eventually.TrueAsync(
            async () =>
            {
                await visit.Page.Keyboard.PressAsync("Escape");
                return await visit.Page.Locator(".mud-dialog").CountAsync() == 0;
            },
            "the dialog is closed", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until a piece of script says yes.</summary>
    public static Task UntilAsync(this ConsoleVisit visit, string script, object? argument = null) =>
        visit.Page.WaitForFunctionAsync(script, argument, new PageWaitForFunctionOptions { PollingInterval = 50 });

    /// <summary>
    /// Nothing serious for axe. It is put into a document once and stays there while the console changes its pages; the package for Playwright would put it in twice for each look, the
    /// second time into a page of its own.
    /// </summary>
    /// <param name="only">One of its rules, where nothing but that can have changed.</param>
    public static async Task JudgeAsync(this ConsoleVisit visit, string where, string? only = null)
    {
        if (!await visit.Page.EvaluateAsync<bool>("() => typeof axe === 'object'")) await visit.Page.EvaluateAsync(_axe.Value);
        var serious = await visit.Page.EvaluateAsync<string[]>(Judge, only);
        Assert.True(serious.Length == 0, $"{where}:\n{string.Join('\n', serious)}");
    }

    /// <summary>The system turns light or dark; returns when the page has.</summary>
    public static async Task TurnAsync(this ConsoleVisit visit, ColorScheme shade)
    {
        var before = await visit.Page.EvaluateAsync<string>(Surface);
        await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = shade });
        // Also MudBlazor's colours, which come from the server, and none of them on its way from one to the other.
        await visit.UntilAsync($"before => ({Surface}) !== before && {Still}", before);
    }

    /// <summary>No name has become an element, and no script has run.</summary>
    public static async Task CleanAsync(this ConsoleVisit visit, string where)
    {
        Assert.True(await visit.Page.Locator("img[src=x], svg[onload], script:not([src])").CountAsync() == 0, $"There is an element made of a name on {where}.");
        visit.AssertNothingWrong();
    }

    /// <summary>The button of that name at the foot of a dialog.</summary>
    public static ILocator DialogButton(this ConsoleVisit visit, string name) =>
        visit.Page.Locator(".mud-dialog-actions").GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = name, Exact = true });
}
