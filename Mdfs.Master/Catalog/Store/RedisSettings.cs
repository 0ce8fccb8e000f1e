using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>How the connection to Redis must be set up for a <see cref="CatalogStore"/>.</summary>
public static class RedisSettings
{
    /// <summary>Changes <paramref name="configuration"/>, whoever made it, to what the store relies on.</summary>
    public static void Apply(ConfigurationOptions configuration, CatalogStoreOptions options)
    {
        // The default queues commands while disconnected, so that a commit could run after its caller was told 503.
        configuration.BacklogPolicy = BacklogPolicy.FailFast;
        // For CONFIG GET and INFO, by which the store learns how durable Redis is.
        configuration.AllowAdmin = true;
        configuration.AbortOnConnectFail = false;
        configuration.ConnectRetry = 1;
        configuration.ConnectTimeout = Math.Min(configuration.ConnectTimeout, 2000);
        configuration.SyncTimeout = configuration.AsyncTimeout = (int)options.RedisOperationTimeout.TotalMilliseconds;
        // A Redis that was restarted is found again within half a second: uploads wait for it.
        configuration.ReconnectRetryPolicy = new LinearRetry(100);
        configuration.HeartbeatInterval = TimeSpan.FromMilliseconds(250);
        // One server, no subscriptions: neither a channel to listen on nor a key of its own to settle who is primary.
        configuration.ConfigurationChannel = "";
        configuration.TieBreaker = "";
        configuration.ClientName ??= "mdfs-master";
    }

    /// <summary>Connects, or goes on trying in the background when Redis is away.</summary>
    public static async Task<IConnectionMultiplexer> ConnectAsync(string connectionString, CatalogStoreOptions options)
    {
        var configuration = ConfigurationOptions.Parse(connectionString);
        Apply(configuration, options);
        return await ConnectionMultiplexer.ConnectAsync(configuration).ConfigureAwait(false);
    }
}
