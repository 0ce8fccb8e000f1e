using Mdfs.Master.Catalog.Store;
using Mdfs.ServiceDefaults.Hosting;
using StackExchange.Redis;

namespace Mdfs.Master.Catalog;

/// <summary>
/// The connection to Redis, under the connection string <c>redis</c>: by Aspire's client integration where the tree was built with Aspire, else by
/// StackExchange.Redis with the same configuration keys.
/// </summary>
public static class CatalogRedis
{
    /// <exception cref="SettingException">What is configured is no connection string, or there is none.</exception>
    public static WebApplicationBuilder AddCatalogRedis(this WebApplicationBuilder builder)
    {
#if ASPIRE
        // The client would say what is wrong later, and in no sentence.
        _ = ConfiguredRedis.Read(builder.Configuration);
        // Its health check answers 503 without Redis, which would take a master that goes on serving out of rotation: MasterHealth tells of Redis, in every build alike.
        builder.AddRedisClient(ConfiguredRedis.ConnectionName, configureSettings: static settings => settings.DisableHealthChecks = true, configureOptions: options => RedisSettings.Apply(options, Settings(builder)));
#else
        var options = ConfiguredRedis.Read(builder.Configuration);
        builder.Services.AddSingleton<IConnectionMultiplexer>(_ =>
        {
            RedisSettings.Apply(options, Settings(builder));
            return ConnectionMultiplexer.Connect(options);
        });
#endif
        return builder;
    }

    private static CatalogStoreOptions Settings(WebApplicationBuilder builder) =>
        builder.Configuration.GetSection(CatalogStoreOptions.Section).Get<CatalogStoreOptions>() ?? new CatalogStoreOptions();
}
