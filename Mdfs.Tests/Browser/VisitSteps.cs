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

    /// <summary>Waits until a piece of script says yes.</summary>
    public static Task UntilAsync(this ConsoleVisit visit, string script, object? argument = null) =>
        visit.Page.WaitForFunctionAsync(script, argument, new PageWaitForFunctionOptions { PollingInterval = 50 });
}
