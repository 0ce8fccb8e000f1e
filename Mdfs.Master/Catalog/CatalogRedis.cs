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
    public const string ConnectionName = "redis";

    /// <exception cref="SettingException">What is configured is no connection string.</exception>
    public static WebApplicationBuilder AddCatalogRedis(this WebApplicationBuilder builder)
    {
        Check(builder.Configuration.GetConnectionString(ConnectionName));
#if ASPIRE
        // Its health check answers 503 without Redis, which would take a master that goes on serving out of rotation: MasterHealth tells of Redis, in every build alike.
        builder.AddRedisClient(ConnectionName, configureSettings: static settings => settings.DisableHealthChecks = true, configureOptions: options => RedisSettings.Apply(options, Settings(builder)));
#else
        builder.Services.AddSingleton<IConnectionMultiplexer>(_ =>
        {
            var connectionString = builder.Configuration.GetConnectionString(ConnectionName) is { Length: > 0 } configured
                ? configured
                : throw new SettingException("ConnectionStrings:redis is not set. Give the address of Redis, for instance localhost:6379 (environment variable ConnectionStrings__redis).");
            var options = ConfigurationOptions.Parse(connectionString);
            RedisSettings.Apply(options, Settings(builder));
            return ConnectionMultiplexer.Connect(options);
        });
#endif
        return builder;
    }

    private static void Check(string? connectionString)
    {
        try
        {
            if (connectionString is { Length: > 0 }) _ = ConfigurationOptions.Parse(connectionString);
        }
        catch (ArgumentException e)
        {
            // Not what the parser says: it may repeat a part of the password.
            throw new SettingException($"ConnectionStrings:{ConnectionName} cannot be read. It looks like localhost:6379, or redis:6379,password=… with a password.", e);
        }
    }

    private static CatalogStoreOptions Settings(WebApplicationBuilder builder) =>
        builder.Configuration.GetSection(CatalogStoreOptions.Section).Get<CatalogStoreOptions>() ?? new CatalogStoreOptions();
}
