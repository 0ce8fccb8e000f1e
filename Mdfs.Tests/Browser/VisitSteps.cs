using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>What tests with a browser do again and again.</summary>
internal static class VisitSteps
{
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
}
