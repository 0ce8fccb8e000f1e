using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>What tests with a browser do again and again.</summary>
internal static class VisitSteps
{
    /// <summary>A name that would be more than text if a page let it. There are no slashes in names.</summary>
    public const string Hostile = "\"><script>alert(1)<img src=x onerror=alert(2)>'&#x27;<svg onload=alert(3)> {{7*7}} ${7*7} 🎬🍿 七人の侍.mp4";

    private static readonly AxeRunOptions _violations = new() { ResultTypes = [ResultType.Violations] };

    /// <summary>Somebody who has signed in and is on that page.</summary>
    public static async Task<ConsoleVisit> EnterAsync(
        this Chromium chromium, Uri console, string path, string language = "en-US", int width = 1280, int height = 860, ColorScheme shade = ColorScheme.Light)
    {
        // A busy machine is slow, not wrong.
        Assertions.SetDefaultExpectTimeout(ConsoleVisit.Patience);
        var visit = await ConsoleVisit.StartAsync(chromium, console, language, width, height, shade);
        await visit.SignInAsync();
        await visit.OpenAsync(path);
        return visit;
    }

    public static ILocator Text(this ConsoleVisit visit, string text) => visit.Page.GetByText(text, new PageGetByTextOptions { Exact = true });

    public static ILocator Button(this ConsoleVisit visit, string name) => visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    /// <summary>Waits until the page is the sign-in.</summary>
    public static Task IsSignInAsync(this IPage page) => Assertions.Expect(page.Locator("#key")).ToBeVisibleAsync();

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

    /// <summary>Nothing serious for axe.</summary>
    public static async Task JudgeAsync(this ConsoleVisit visit, string where)
    {
        var found = await visit.Page.RunAxe(_violations);
        var serious = found.Violations.Where(static violation => violation.Impact is "serious" or "critical").Select(static violation => $"{violation.Id}: {string.Join(" | ", violation.Nodes.Select(Target))}").ToList();
        Assert.True(serious.Count == 0, $"{where}:\n{string.Join('\n', serious)}");
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

    private static string Target(AxeResultNode node) => $"{node.Html} ({string.Join("; ", node.Any.Concat(node.All).Concat(node.None).Select(static check => check.Message))})";
}
