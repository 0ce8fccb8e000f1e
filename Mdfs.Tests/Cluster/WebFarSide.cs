using System.Net;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster;

/// <summary>What stands behind the console instead of a master: real Kestrel that makes and swallows bytes without a disk, so that only what passes them on is measured.</summary>
internal sealed class WebFarSide : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _taken;

    private WebFarSide(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    /// <summary>Bytes of the upload at hand that have come through.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    public static async Task<WebFarSide> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        var app = builder.Build();
        var side = new WebFarSide(app);
        app.MapPut("/api/files/{name}", side.TakeAsync);
        app.MapGet("/download", GiveAsync);
        app.MapGet("/broken", BreakAsync);
        app.MapGet("/host", static (HttpContext context) => $"{context.Request.Headers.Host} {context.Request.Headers["X-Forwarded-Proto"]}");
        await app.StartAsync(cancellationToken);
        side.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return side;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        Interlocked.Exchange(ref _taken, 0);
        var buffer = new byte[64 * 1024];
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is > 0 and var read) Interlocked.Add(ref _taken, read);
        await context.Response.WriteAsync("taken", context.RequestAborted);
    }

    private static async Task GiveAsync(HttpContext context)
    {
        var length = long.Parse(context.Request.Query["length"]!, System.Globalization.CultureInfo.InvariantCulture);
        context.Response.ContentLength = length;
        await using var movie = new MovieBytes(5, length).Open();
        await movie.CopyToAsync(context.Response.Body, 256 * 1024, context.RequestAborted);
    }

    /// <summary>Promises a megabyte and breaks off in the middle, as a master does when no copy can go on.</summary>
    private static async Task BreakAsync(HttpContext context)
    {
        context.Response.ContentLength = 1 << 20;
        await context.Response.Body.WriteAsync(new byte[300_000], context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    }
}
