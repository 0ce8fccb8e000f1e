using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mdfs.Gateway;

/// <summary>What a service needs to send movies: the master, and every front end that does so in its place.</summary>
public static class GatewayHosting
{
    /// <summary>The host registers an <see cref="IWindowPass"/> beside it.</summary>
    /// <param name="section">Where <see cref="StreamOptions"/> stand.</param>
    public static IServiceCollection AddMdfsGateway(this IServiceCollection services, IConfiguration section)
    {
        services.AddOptions<StreamOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<StreamOptions>, StreamOptionsValidator>();
        services.TryAddSingleton<ByteClient>();
        services.TryAddSingleton(static provider => provider.GetRequiredService<InstanceTelemetry>().Meter);
        services.AddSingleton<WindowClient>();
        services.AddSingleton<StreamCounter>();
        services.AddSingleton<StreamMetrics>();
        services.AddSingleton<RecentTrouble>();
        services.AddSingleton<SourcePaces>();
        services.AddSingleton<ReplicaReader>();
        services.AddSingleton<LoopPipes>();
        services.AddSingleton<LoopDownloads>();
        services.AddSingleton<MovieGateway>();
        return services;
    }
}
