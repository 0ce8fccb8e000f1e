using Microsoft.Extensions.Options;

namespace Mdfs.Garnet;

/// <summary>The embedded store as a service of a host.</summary>
public static class GarnetHosting
{
    /// <summary>Adds a <see cref="GarnetStore"/>, configured by <c>Mdfs:Garnet</c>, that starts and stops with the host, and a health check of it.</summary>
    public static TBuilder AddMdfsGarnet<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<IValidateOptions<GarnetStoreOptions>, GarnetStoreOptionsValidator>();
        builder.Services.AddOptions<GarnetStoreOptions>().BindConfiguration(GarnetStoreOptions.Section)
            .Validate(static options => !options.IsOpenToOthers, "Mdfs:Garnet:Bind lets other machines in, and there is no password: set Mdfs:Garnet:Password, and give it to master and console in ConnectionStrings:redis (redis:6379,password=…).")
            .ValidateOnStart();
        builder.Services.AddSingleton(services => new GarnetStore(services.GetRequiredService<IOptions<GarnetStoreOptions>>().Value, services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton<GarnetService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GarnetService>());
        builder.Services.AddHealthChecks().AddCheck<GarnetService>("garnet");
        return builder;
    }
}
