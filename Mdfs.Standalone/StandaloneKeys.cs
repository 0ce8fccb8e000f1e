using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Configuration;

namespace Mdfs.Standalone;

/// <summary>Where the admin key in force comes from.</summary>
public enum AdminKeySource
{
    /// <summary>The well-known key of the Development environment.</summary>
    Development,

    /// <summary>The setting <c>Mdfs:AdminKey</c>.</summary>
    Configuration,

    /// <summary>Made just now, at the first start, and kept in <see cref="StandaloneKeys.AdminKeyFile"/>.</summary>
    Generated,

    /// <summary>Made at an earlier start and read from <see cref="StandaloneKeys.AdminKeyFile"/>.</summary>
    File,
}

/// <summary>
/// The keys of a cluster (design, section 8). A configured one counts most; Development has well-known ones; in any other environment they are made at
/// the first start and kept in the data directory.
/// </summary>
/// <param name="AdminKeyFile">Where a generated admin key stands; null when there is none in use.</param>
public sealed record StandaloneKeys(string AdminKey, AdminKeySource Source, string? AdminKeyFile, string ClusterKey)
{
    /// <summary>Written by the compiler this would show the keys.</summary>
    public override string ToString() => $"keys from {Source}";

    internal static StandaloneKeys Find(StandaloneOptions options, DataHome home)
    {
        var adminKey = options.Settings?["Mdfs:AdminKey"];
        var clusterKey = options.Settings?["Mdfs:ClusterKey"];
        var hasAdminKey = !string.IsNullOrWhiteSpace(adminKey);
        var hasClusterKey = !string.IsNullOrWhiteSpace(clusterKey);
        var development = string.Equals(options.Environment, Environments.Development, StringComparison.OrdinalIgnoreCase);

        // The well-known keys go together, so that services started by hand in Development meet. Who has a key of his own gets a secret one between the nodes too.
        if (development && !hasAdminKey)
            return new StandaloneKeys(AdminKeyOptions.DevelopmentKey, AdminKeySource.Development, null, hasClusterKey ? clusterKey! : ClusterKeyOptions.DevelopmentKey);

        var cluster = hasClusterKey ? clusterKey! : KeyFile.ReadOrMake(home.ClusterKeyFile).Key;
        if (hasAdminKey)
            return new StandaloneKeys(adminKey!, AdminKeySource.Configuration, null, cluster);
        var (key, made) = KeyFile.ReadOrMake(home.AdminKeyFile);
        return new StandaloneKeys(key, made ? AdminKeySource.Generated : AdminKeySource.File, home.AdminKeyFile, cluster);
    }
}
