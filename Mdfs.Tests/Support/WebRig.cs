using System.Net;
using System.Text.RegularExpressions;
using Mdfs.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Support;

/// <summary>The console as a service of its own, on real Kestrel in this process, in front of a cluster's master.</summary>
public sealed class WebRig : IAsyncDisposable
{
    public const string ClusterKey = "the cluster key of the console's tests";

    private readonly IReadOnlyDictionary<string, string?> _settings;
    private WebApplication? _app;

    private WebRig(IReadOnlyDictionary<string, string?> settings) => _settings = settings;

    /// <summary>Changes with every start.</summary>
    public Uri Address { get; private set; } = null!;

    public TestLogs Logs { get; } = new();

    public IServiceProvider Services => _app!.Services;

    public static async Task<WebRig> StartAsync(TestCluster cluster, CancellationToken cancellationToken, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["Mdfs:AdminKey"] = TestCluster.AdminKey,
            ["Mdfs:ClusterKey"] = ClusterKey,
            ["ConnectionStrings:redis"] = cluster.Cluster.RedisConnectionString,
            ["services:master:http:0"] = cluster.Cluster.Master.Address.GetLeftPart(UriPartial.Authority),
            ["Mdfs:Web:PollInterval"] = "00:00:00.2",
        };
        foreach (var (key, value) in settings) all[key] = value;
        var rig = new WebRig(all);
        await rig.StartAsync(cancellationToken);
        return rig;
    }

    /// <summary>One that sends movies itself, past the master.</summary>
    public static Task<WebRig> StartFrontEndAsync(TestCluster cluster, CancellationToken cancellationToken, params (string Key, string Value)[] settings) =>
        StartAsync(cluster, cancellationToken, [("Mdfs:ClusterKey", cluster.Cluster.Keys.ClusterKey), ("Mdfs:Gateway:Enabled", "true"), .. settings]);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(_settings);
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("urls", (string?)"http://127.0.0.1:0")]);
        builder.AddMdfsWeb();
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(Logs.For("web"));
        _app = builder.Build();
        _app.MapMdfsWeb();
        await _app.StartAsync(cancellationToken);
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task StopAsync()
    {
        if (_app is not { } app) return;
        _app = null;
        await app.StopAsync();
        await app.DisposeAsync();
    }

    /// <summary>A browser without a screen: it keeps cookies and follows nowhere by itself.</summary>
    public Visitor Visit(CookieContainer? cookies = null) => new(Address, cookies);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Logs.Show();
    }
}

/// <summary>Whoever visits a console over HTTP.</summary>
public sealed partial class Visitor : IDisposable
{
    public Visitor(Uri console, CookieContainer? cookies = null)
    {
        Cookies = cookies ?? new CookieContainer();
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, CookieContainer = Cookies }) { BaseAddress = console, Timeout = Timeout.InfiniteTimeSpan };
    }

    public HttpClient Http { get; }

    public CookieContainer Cookies { get; }

    /// <summary>What the form of the sign-in page sends.</summary>
    public async Task<HttpResponseMessage> SignInAsync(string key, CancellationToken cancellationToken, string? back = null)
    {
        // Also when it comes with a refusal: the form is on it all the same.
        using var shown = await Http.GetAsync("sign-in", cancellationToken);
        var page = await shown.Content.ReadAsStringAsync(cancellationToken);
        var form = FormToken().Match(page).Groups[1].Value;
        var fields = new Dictionary<string, string> { ["form"] = WebUtility.HtmlDecode(form), ["key"] = key };
        if (back is not null) fields["return"] = back;
        using var content = new FormUrlEncodedContent(fields);
        return await Http.PostAsync("sign-in", content, cancellationToken);
    }

    /// <summary>Signs in and fails when that is refused.</summary>
    public async Task<Visitor> EnterAsync(CancellationToken cancellationToken)
    {
        using var answer = await SignInAsync(TestCluster.AdminKey, cancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.Redirect, $"Signing in: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        return this;
    }

    /// <summary>What a page of ours gives its scripts to send along.</summary>
    public async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        var page = await Http.GetStringAsync("movies", cancellationToken);
        return WebUtility.HtmlDecode(PageToken().Match(page).Groups[1].Value);
    }

    public async Task<HttpResponseMessage> SignOutAsync(CancellationToken cancellationToken, bool everywhere = false)
    {
        var fields = new Dictionary<string, string> { ["antiforgery"] = await TokenAsync(cancellationToken) };
        if (everywhere) fields["everywhere"] = "true";
        using var content = new FormUrlEncodedContent(fields);
        return await Http.PostAsync("sign-out", content, cancellationToken);
    }

    /// <summary>Whether a page is shown, rather than the way to the sign-in.</summary>
    public async Task<bool> IsInsideAsync(CancellationToken cancellationToken)
    {
        using var page = await Http.GetAsync("movies", cancellationToken);
        return page.StatusCode == HttpStatusCode.OK;
    }

    public void Dispose() => Http.Dispose();

    [GeneratedRegex("name=\"form\" value=\"([^\"]+)\"")]
    private static partial Regex FormToken();

    [GeneratedRegex("name=\"mdfs-antiforgery\" content=\"([^\"]+)\"")]
    private static partial Regex PageToken();
}
