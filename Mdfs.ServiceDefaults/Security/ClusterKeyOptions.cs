using Mdfs.Protocol.Security;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>The secret that makes a process a node of this cluster, from the section <c>Mdfs</c> (design, section 8).</summary>
public sealed class ClusterKeyOptions
{
    /// <summary>What <see cref="ClusterKey"/> is in Development when nothing is configured, so that separately started services meet.</summary>
    public const string DevelopmentKey = "mdfs development cluster key";

    /// <summary><c>Mdfs:ClusterKey</c>: the same on every node. Required outside Development, at least 16 characters.</summary>
    public string? ClusterKey { get; set; }
}

/// <summary>Fills in Development's default, and refuses a missing, short or well-known key anywhere else.</summary>
public sealed class ClusterKeyRules(IHostEnvironment environment) : IPostConfigureOptions<ClusterKeyOptions>, IValidateOptions<ClusterKeyOptions>
{
    public void PostConfigure(string? name, ClusterKeyOptions options)
    {
        if (environment.IsDevelopment() && string.IsNullOrWhiteSpace(options.ClusterKey)) options.ClusterKey = ClusterKeyOptions.DevelopmentKey;
    }

    public ValidateOptionsResult Validate(string? name, ClusterKeyOptions options)
    {
        if (environment.IsDevelopment()) return ValidateOptionsResult.Success;
        if (string.IsNullOrWhiteSpace(options.ClusterKey))
            return Fail("Mdfs:ClusterKey is not set. Give every node of the cluster the same secret");
        if (options.ClusterKey == ClusterKeyOptions.DevelopmentKey)
            return Fail("Mdfs:ClusterKey is the well-known key of the Development environment. Give every node of the cluster the same secret");
        return options.ClusterKey.Length < ClusterKeys.MinimumLength ? Fail("Mdfs:ClusterKey is too short. Outside Development it needs a secret") : ValidateOptionsResult.Success;
    }

    private static ValidateOptionsResult Fail(string start) =>
        ValidateOptionsResult.Fail($"{start} of at least {ClusterKeys.MinimumLength} characters (environment variable Mdfs__ClusterKey).");
}

/// <summary>Makes the derived keys from the options, and warns when they are everybody's.</summary>
internal static partial class ClusterKeyFactory
{
    public static ClusterKeys Create(ClusterKeyOptions options, ILogger logger)
    {
        if (options.ClusterKey == ClusterKeyOptions.DevelopmentKey) LogDevelopmentKey(logger);
        return new ClusterKeys(options.ClusterKey!);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cluster key is the well-known one of the Development environment. Set Mdfs:ClusterKey before anybody else can reach this machine.")]
    private static partial void LogDevelopmentKey(ILogger logger);
}
