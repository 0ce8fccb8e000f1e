using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Web.Sessions;

/// <summary>
/// The console's own connection to Redis, under the connection string <c>redis</c>. It goes on trying by itself: the console starts, and says what is
/// wrong, without one.
/// </summary>
public sealed class ConsoleRedis : IDisposable
{
    private readonly Lazy<ConnectionMultiplexer> _connection;

    public ConsoleRedis(IConfiguration configuration, IOptions<WebOptions> options)
    {
        Prefix = options.Value.RedisKeyPrefix;
        var settings = ConfiguredRedis.Read(configuration);
        settings.AbortOnConnectFail = false;
        // A sign-in that waits in a queue for Redis would look like a console that hangs.
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        settings.ConnectRetry = 1;
        settings.ConnectTimeout = settings.SyncTimeout = settings.AsyncTimeout = 2000;
        settings.ReconnectRetryPolicy = new LinearRetry(250);
        settings.HeartbeatInterval = TimeSpan.FromMilliseconds(500);
        settings.ConfigurationChannel = "";
        settings.TieBreaker = "";
        settings.ClientName = "mdfs-web";
        _connection = new Lazy<ConnectionMultiplexer>(() => ConnectionMultiplexer.Connect(settings));
    }

    public string Prefix { get; }

    public bool Answers => Connection.IsConnected;

    /// <exception cref="RedisException">Each command throws one while Redis is away.</exception>
    public IDatabase Database => Connection.GetDatabase();

    private ConnectionMultiplexer Connection => _connection.Value;

    public void Dispose()
    {
        if (_connection.IsValueCreated) _connection.Value.Dispose();
    }
}
