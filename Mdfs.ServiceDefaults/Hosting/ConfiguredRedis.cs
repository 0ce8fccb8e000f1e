using Microsoft.Extensions.Configuration;
using StackExchange.Redis;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Where Redis is: the connection string <c>redis</c>, the key that Aspire injects.</summary>
public static class ConfiguredRedis
{
    public const string ConnectionName = "redis";

    /// <exception cref="SettingException">It is not set, or names no address.</exception>
    public static ConfigurationOptions Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString(ConnectionName) is not { Length: > 0 } configured)
            throw new SettingException($"ConnectionStrings:{ConnectionName} is not set. Give the address of Redis, for instance localhost:6379 (environment variable ConnectionStrings__{ConnectionName}).");
        try
        {
            var options = ConfigurationOptions.Parse(configured);
            return options.EndPoints.Count > 0 ? options : throw Unreadable(null);
        }
        catch (ArgumentException e)
        {
            throw Unreadable(e);
        }
    }

    // Not what the parser says: it may repeat a part of the password.
    private static SettingException Unreadable(ArgumentException? e) =>
        new($"ConnectionStrings:{ConnectionName} cannot be read. It looks like localhost:6379, or redis:6379,password=… with a password.", e);
}
