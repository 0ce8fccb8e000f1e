using System.Globalization;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

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
        FileName.RequireNormalisation();
        // Numbers and dates on the wire must not depend on the operator's country.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = _shutdownTimeout);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.AddServerHeader = false);
        builder.Services.AddHealthChecks();
        builder.Services.AddMdfsSecurity(builder.Configuration);
        return builder;
    }

    /// <summary>The common pipeline. Call it first of all middleware, before any route is mapped.</summary>
    public static WebApplication UseMdfsServiceDefaults(this WebApplication app)
    {
        // Asked for now, so that a weak key stops the process before it listens, and says so once.
        app.Services.GetRequiredService<AdminKeys>();
        app.Use(static (context, next) =>
        {
            SecurityHeaders.Apply(context.Response);
            return next(context);
        });
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.UseMiddleware<AccessMiddleware>();
        return app;
    }
}
