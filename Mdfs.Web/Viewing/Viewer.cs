using System.Globalization;
using Mdfs.Web.Pages;
using Mdfs.Web.Sessions;
using Mdfs.Web.Texts;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.JSInterop;

namespace Mdfs.Web.Viewing;

/// <summary>Light or dark, as somebody chose it.</summary>
public enum Shade
{
    System,
    Light,
    Dark,
}

/// <summary>Whoever looks at the console through one circuit: his session, and what his browser says of itself.</summary>
public sealed class Viewer(AuthenticationStateProvider authentication, IJSRuntime browser)
{
    /// <summary>The session's handle; empty before <see cref="MeetAsync"/>.</summary>
    public string Session { get; private set; } = "";

    /// <summary>For forms that end the session.</summary>
    public string AntiforgeryToken { get; private set; } = "";

    /// <summary>The page's language. It is said again whenever something is drawn: what the shared watch begins runs in nobody's language.</summary>
    public CultureInfo Culture { get; private set; } = CultureInfo.GetCultureInfo(Languages.English);

    public TimeZoneInfo TimeZone { get; private set; } = TimeZoneInfo.Utc;

    public Shade Shade { get; private set; }

    public bool SystemIsDark { get; set; }

    public bool IsDark => Shade == Shade.Dark || (Shade == Shade.System && SystemIsDark);

    /// <summary>Takes the page's language over.</summary>
    public void Use(string language)
    {
        Culture = CultureInfo.GetCultureInfo(language == Languages.Chinese ? Languages.Chinese : Languages.English);
        Speak();
    }

    /// <summary>From here on this flow of work speaks the page's language.</summary>
    public void Speak() => (CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture) = (Culture, Culture);

    /// <summary>Asks the browser; once, when the circuit has begun.</summary>
    public async Task MeetAsync()
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        Session = user.FindFirst(PageGuard.SessionClaim)?.Value ?? "";
        AntiforgeryToken = user.FindFirst(SessionCookie.AntiforgeryHeader)?.Value ?? "";
        var facts = await browser.InvokeAsync<BrowserFacts>("mdfsConsole.facts");
        SystemIsDark = facts.Dark;
        Shade = facts.Shade switch
        {
            "light" => Shade.Light,
            "dark" => Shade.Dark,
            _ => Shade.System,
        };
        if (facts.TimeZone is { Length: > 0 } zone && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)) TimeZone = found;
    }

    public async Task ChooseAsync(Shade shade)
    {
        Shade = shade;
        await browser.InvokeVoidAsync("mdfsConsole.keepShade", shade.ToString().ToLowerInvariant());
    }

    private sealed record BrowserFacts(bool Dark, string? Shade, string? TimeZone);
}
