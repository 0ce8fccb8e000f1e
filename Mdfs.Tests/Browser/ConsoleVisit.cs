using System.Collections.Concurrent;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Somebody at the console with a real browser. Everything that a page must not do is written down: errors, script that the policy stopped, requests to other hosts.</summary>
public sealed class ConsoleVisit : IAsyncDisposable
{
    /// <summary>How long anything on a page may take on a busy machine, in milliseconds.</summary>
    private static readonly float _patience = (float)MdfsClient.Patience.TotalMilliseconds;

    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _wrong = new();

    private ConsoleVisit(IBrowserContext context, Uri console)
    {
        _context = context;
        Address = console;
    }

    public Uri Address { get; }

    public IPage Page { get; private set; } = null!;

    public static async Task<ConsoleVisit> StartAsync(Chromium chromium, Uri console, string language = "en-US", int width = 1280, int height = 900, ColorScheme shade = ColorScheme.Light)
    {
        // A busy machine is slow, not wrong.
        Assertions.SetDefaultExpectTimeout(_patience);
        var browser = await chromium.OpenAsync();
        var context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = console.AbsoluteUri,
            Locale = language,
            ColorScheme = shade,
            TimezoneId = "Europe/Berlin",
            ReducedMotion = ReducedMotion.Reduce,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        context.SetDefaultTimeout(_patience);
        context.SetDefaultNavigationTimeout(_patience);
        var visit = new ConsoleVisit(context, console);
        visit.Page = await visit.NewPageAsync();
        return visit;
    }

    /// <summary>A further tab of the same browser.</summary>
    public async Task<IPage> NewPageAsync()
    {
        var page = await _context.NewPageAsync();
        page.PageError += (_, error) => _wrong.Enqueue($"error: {error}");
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && (message.Text.Contains("Content Security Policy", StringComparison.Ordinal) || message.Text.Contains("Uncaught", StringComparison.Ordinal)))
                _wrong.Enqueue($"console: {message.Text}");
        };
        page.Request += (_, request) =>
        {
            if (Uri.TryCreate(request.Url, UriKind.Absolute, out var url) && url.Scheme is not ("data" or "blob") && url.Authority != Address.Authority) _wrong.Enqueue($"foreign request: {request.Url}");
        };
        page.Dialog += (_, dialog) =>
        {
            // "Leave this page?", while files are being sent: that is ours.
            if (dialog.Type != DialogType.BeforeUnload) _wrong.Enqueue($"script ran: {dialog.Message}");
            _ = dialog.AcceptAsync();
        };
        return page;
    }

    public async Task<ConsoleVisit> SignInAsync(string key = TestCluster.AdminKey)
    {
        await Page.GotoAsync("sign-in");
        await EnterKeyAsync(key);
        if (key == TestCluster.AdminKey) await ReadyAsync();
        return this;
    }

    /// <summary>On the page that asks for it.</summary>
    public async Task EnterKeyAsync(string key)
    {
        await Page.FillAsync("#key", key);
        await Page.ClickAsync("button[type=submit]");
    }

    /// <summary>Goes to a page and returns when its circuit has drawn it.</summary>
    public async Task<IPage> OpenAsync(string path)
    {
        await Page.GotoAsync(path.TrimStart('/'));
        await ReadyAsync();
        return Page;
    }

    /// <summary>The console's circuit has drawn its page; the sign-in is not one of those.</summary>
    public Task ReadyAsync() => Page.Locator(".mud-main-content h1").First.WaitForAsync();

    /// <summary>By how many pixels the page is wider than the window.</summary>
    public Task<int> OverflowAsync() => Page.EvaluateAsync<int>("document.documentElement.scrollWidth - window.innerWidth");

    /// <summary>Drops something on the page of uploads.</summary>
    /// <param name="script">Makes <c>transfer</c>, which is what is dropped.</param>
    public Task DropAsync(string script) => Page.EvaluateAsync(
        $$"""
        async () => {
        {{script}}
          for (const kind of ['dragenter', 'dragover', 'drop']) document.querySelector('.drop-zone').dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """);

    public void AssertNothingWrong() => Assert.Empty(_wrong);

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
