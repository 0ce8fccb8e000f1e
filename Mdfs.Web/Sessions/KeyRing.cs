using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Mdfs.Web.Sessions;

/// <summary>
/// The keys by which pages and forms are recognised as our own: kept in Redis, so that a page opened before a restart goes on after it; and
/// encrypted there, since whoever reads Redis must not be able to make them.
/// </summary>
public sealed class KeyRing(IDataProtectionProvider protection)
{
    private volatile bool _loaded;

    /// <summary>Whether pages can be made: not before Redis has answered once.</summary>
    public bool IsReady
    {
        get
        {
            if (_loaded) return true;
            try
            {
                protection.CreateProtector("mdfs/console/probe").Protect([1]);
                return _loaded = true;
            }
            catch (Exception failure) when (failure is CryptographicException or StackExchange.Redis.RedisException or TimeoutException)
            {
                return false;
            }
        }
    }

    public static void Add(IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName("mdfs-console");
        services.AddSingleton<KeyRing>();
        services.AddOptions<KeyManagementOptions>().Configure<ConsoleRedis, Mdfs.Protocol.Security.ClusterKeys>(static (options, redis, keys) =>
        {
            options.XmlRepository = new Microsoft.AspNetCore.DataProtection.StackExchangeRedis.RedisXmlRepository(() => redis.Database, redis.Prefix + "data-protection-keys");
            options.XmlEncryptor = new KeyRingEncryptor(keys);
        });
    }
}
