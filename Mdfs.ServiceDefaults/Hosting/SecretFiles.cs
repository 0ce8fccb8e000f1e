using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.FileProviders;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>
/// Settings from a directory with a file for each, as containers get their secrets (Docker and Kubernetes mount them so): <c>Mdfs:SecretsDirectory</c> says
/// where, a file <c>Mdfs__AdminKey</c> in it holds <c>Mdfs:AdminKey</c>. Any other way of giving a setting counts more. Environment variables would do, but every
/// program that the process starts, and whoever may inspect the container, sees those.
/// </summary>
public static class SecretFiles
{
    public const string Setting = "Mdfs:SecretsDirectory";

    /// <exception cref="SettingException">The directory that was named is not there: starting without its keys would only say so later, and less clearly.</exception>
    public static void AddTo(IConfigurationManager configuration)
    {
        if (configuration[Setting] is not { Length: > 0 } directory) return;
        if (!Directory.Exists(directory)) throw new SettingException($"The directory {directory} that {Setting} names is not there.");
        configuration.Sources.Insert(0, new KeyPerFileConfigurationSource { FileProvider = new PhysicalFileProvider(Path.GetFullPath(directory)), Optional = false });
    }
}
