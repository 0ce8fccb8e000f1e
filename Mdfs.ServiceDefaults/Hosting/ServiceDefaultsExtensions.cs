using System.Globalization;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Output;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>What every service of the cluster starts with: <c>builder.AddMdfsServiceDefaults(…)</c> and <c>app.UseMdfsServiceDefaults()</c>.</summary>
public static class ServiceDefaultsExtensions
{
    // Longer than any small answer; a movie in mid-stream goes on from the player's side.
    private static readonly TimeSpan _shutdownTimeout = TimeSpan.FromSeconds(5);

    /// <param name="serviceName">For instance <c>mdfs-worker</c>: the same for all instances.</param>
    /// <param name="instanceId">The node id or another name that no other instance has; a random one when null.</param>
    public static WebApplicationBuilder AddMdfsServiceDefaults(this WebApplicationBuilder builder, string serviceName, string? instanceId = null)
    {
        instanceId ??= Guid.NewGuid().ToString("N");
        return builder.AddMdfsServiceDefaults(serviceName, _ => instanceId);
    }

    /// <param name="instanceId">Asked once, when the application is built: for a node id that is read from disk.</param>
    public static WebApplicationBuilder AddMdfsServiceDefaults(this WebApplicationBuilder builder, string serviceName, Func<IServiceProvider, string> instanceId)
    {
        FileName.RequireNormalisation();
        SecretFiles.AddTo(builder.Configuration);
        // Numbers and dates on the wire must not depend on the operator's country.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;

        HostVoice.AddTo(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = _shutdownTimeout);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.AddServerHeader = false);
        builder.WriteToSockets();
        builder.Services.TuneSockets();
        builder.Services.AddHealthChecks();
        builder.Services.AddMdfsSecurity(builder.Configuration);
        builder.Services.AddMdfsCors(builder.Configuration);
        builder.Services.AddHostedService<LoopbackRule>();
        builder.AddMdfsTelemetry(serviceName, instanceId);
        return builder;
    }

    /// <summary>
    /// Where to listen when configuration says nothing (<c>ASPNETCORE_URLS</c>, <c>--urls</c>, <c>Kestrel:Endpoints</c>): in Development on
    /// loopback, elsewhere on every address.
    /// </summary>
    /// <param name="defaultPort">0 takes a free one.</param>
    public static WebApplicationBuilder ListenOnLoopbackInDevelopment(this WebApplicationBuilder builder, int defaultPort)
    {
        if (Loopback.ConfiguredAddresses(builder.Configuration).Count > 0) return builder;
        // Kestrel cannot take one free port for both addresses that "localhost" has.
        var here = defaultPort == 0 ? "127.0.0.1" : "localhost";
        builder.WebHost.UseUrls($"http://{(builder.Environment.IsDevelopment() ? here : "*")}:{defaultPort}");
        return builder;
    }

    /// <summary>
    /// The common pipeline. Call it before any other middleware; routes may be mapped before or after. Order: the client's address, <c>nosniff</c>, problems, routing,
    /// other origins, foreign requests, access.
    /// </summary>
    public static WebApplication UseMdfsServiceDefaults(this WebApplication app)
    {
        // Asked for now: a weak key or a wrong list stops the process before it listens and says so once, and what is recorded before the meters are heard is lost.
        app.Services.GetRequiredService<AdminKeys>();
        app.Services.GetRequiredService<Mdfs.Protocol.Security.ClusterKeys>();
        app.Services.GetRequiredService<HostNames>();
        _ = app.Services.GetRequiredService<IOptions<ForwardedHeadersOptions>>().Value;
        app.Services.GetRequiredService<MeterProvider>();
        HostVoice.RiseWhenStarted(app);

        app.UseForwardedHeaders();
        app.Use(static (context, next) =>
        {
            SecurityHeaders.Apply(context.Response);
            return next(context);
        });
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        // Before the guards: a page that may read shall read refusals too.
        app.UseMdfsCors();
        app.UseMiddleware<ForeignRequestGuard>();
        app.UseMiddleware<AccessMiddleware>();
        return app;
    }
}
