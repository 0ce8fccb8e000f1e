using Mdfs.Tests.Browser;
using Mdfs.Tests.Support;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace Mdfs.Tests.Browser;

/// <summary>One real browser for the whole test run, started when the first test asks for it. Each test gets a context of its own: cookies and cache are not shared.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>The calling test is skipped, or fails in continuous integration, where there is no browser.</summary>
    public async Task<IBrowser> OpenAsync()
    {
        var executable = Tools.RequireBrowser();
        await _gate.WaitAsync();
        try
        {
            if (_browser is { IsConnected: true }) return _browser;
            _playwright ??= await Playwright.CreateAsync();
            // Without a sandbox: continuous integration is root, and the only pages it sees are ours. Without a GPU: there is none, and the process that would draw in its place is left out.
            return _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = executable, Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        _gate.Dispose();
    }
}
