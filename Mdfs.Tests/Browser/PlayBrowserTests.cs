using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Films played in the console.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class PlayBrowserTests(Chromium chromium, SharedCluster shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mp4")]
    [InlineData("webm")]
    public async Task A_film_plays_and_can_be_sought_to_eighty_per_cent(string kind)
    {
        var name = $"played.{kind}";
        await StoreAsync(name, kind == "mp4" ? await RealMovies.IndexAtEndAsync() : await RealMovies.WebmAsync());
        await using var visit = await OpenAsync(name);
        await visit.UntilAsync("() => { const film = document.querySelector('video'); return film.readyState >= 3 && film.currentTime > 0.2 && film.videoWidth === 640; }");
        await visit.Page.EvaluateAsync("() => { const film = document.querySelector('video'); film.currentTime = film.duration * 0.8; }");
        await visit.UntilAsync("() => { const film = document.querySelector('video'); return !film.seeking && film.currentTime > film.duration * 0.8 + 0.3; }");
        Assert.Equal(0, await visit.Page.Locator(".stage-trouble").CountAsync());
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Keys_pause_seek_mute_and_let_the_film_float_and_closing_lets_go_of_it()
    {
        await StoreAsync("keys.mp4", await RealMovies.FastStartAsync());
        await using var visit = await OpenAsync("keys.mp4");
        await visit.UntilAsync("() => document.querySelector('video').currentTime > 0.1");
        await visit.Page.Keyboard.PressAsync(" ");
        await visit.UntilAsync("() => document.querySelector('video').paused");
        var at = await visit.Page.EvaluateAsync<double>("document.querySelector('video').currentTime");
        await visit.Page.Keyboard.PressAsync("ArrowRight");
        await visit.UntilAsync("at => Math.abs(document.querySelector('video').currentTime - at - 5) < 0.5", at);
        await visit.Page.Keyboard.PressAsync("ArrowLeft");
        await visit.UntilAsync("at => Math.abs(document.querySelector('video').currentTime - at) < 0.5", at);
        await visit.Page.Keyboard.PressAsync("m");
        await visit.UntilAsync("() => document.querySelector('video').muted");
        await visit.Page.Keyboard.PressAsync("f");
        await visit.UntilAsync("() => document.fullscreenElement?.tagName === 'VIDEO'");
        await visit.Page.Keyboard.PressAsync("f");
        await visit.UntilAsync("() => document.fullscreenElement === null");
        await visit.Page.Keyboard.PressAsync("p");
        await visit.UntilAsync("() => document.pictureInPictureElement?.tagName === 'VIDEO'");
        await visit.Button("Picture in picture").ClickAsync();
        await visit.UntilAsync("() => document.pictureInPictureElement === null");
        await visit.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(visit.Page.Locator("video")).ToHaveCountAsync(0);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task What_the_browser_cannot_decode_is_said_so_and_the_link_for_other_players_is_there()
    {
        await shared.Client.StoreAsync("old.avi", new MovieBytes(5, 100_000), Cancelled);
        await using var visit = await OpenAsync("old.avi");
        await Assertions.Expect(visit.Page.Locator(".stage-trouble")).ToContainTextAsync("cannot play this kind of film (.avi)");
        await Assertions.Expect(visit.Page.Locator(".play-link")).ToContainTextAsync($"{shared.Client.Master}play?name=old.avi");
        await Assertions.Expect(visit.Page.Locator(".play-buttons button:has-text('Playlist')")).ToBeVisibleAsync();
        visit.AssertNothingWrong();
    }

    private async Task<ConsoleVisit> OpenAsync(string name)
    {
        var visit = await chromium.EnterAsync(shared.Client.Master, $"/movies?query={name}");
        await visit.Button($"Play {name}").ClickAsync();
        await Assertions.Expect(visit.Page.Locator("video")).ToBeVisibleAsync();
        return visit;
    }

    private async Task StoreAsync(string name, string path)
    {
        await using var file = File.OpenRead(path);
        using var content = new StreamContent(file);
        using var stored = await shared.Client.PutAsync(name, content, Cancelled);
        Assert.True(stored.IsSuccessStatusCode);
    }
}
