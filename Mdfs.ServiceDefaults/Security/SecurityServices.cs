using Mdfs.Protocol.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Everything of this folder that others are given.</summary>
internal static class SecurityServices
{
    public static IServiceCollection AddMdfsSecurity(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection("Mdfs");
        services.AddChecked<AdminKeyOptions, AdminKeyRules>(section);
        services.AddSingleton<AdminKeys>();
        services.AddSingleton<FailedAttempts>();
        services.AddSingleton<ConsoleProof>();
        services.AddSingleton<KeyGuard>();

        services.AddChecked<ClusterKeyOptions, ClusterKeyRules>(section);
        services.AddSingleton(static provider => ClusterKeyFactory.Create(
            provider.GetRequiredService<IOptions<ClusterKeyOptions>>().Value, provider.GetRequiredService<ILoggerFactory>().CreateLogger<ClusterKeys>()));
        services.AddSingleton<NodeTokens>();
        services.AddSingleton<SignedLinks>();
        // By a factory, so that a service without internal routes needs no INodeAuthority; one with them fails at the first request if it has none.
        services.AddSingleton(static provider => ActivatorUtilities.CreateInstance<NodeGuard>(provider));

        services.AddSingleton<HostNames>();
        services.PostConfigure<ForwardedHeadersOptions>(options => TrustedProxies.Configure(options, configuration));
        return services;
    }

    private static void AddChecked<TOptions, TRules>(this IServiceCollection services, IConfiguration section)
        where TOptions : class
        where TRules : class, IPostConfigureOptions<TOptions>, IValidateOptions<TOptions>
    {
        services.AddOptions<TOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<TRules>();
        services.AddSingleton<IPostConfigureOptions<TOptions>>(static provider => provider.GetRequiredService<TRules>());
        services.AddSingleton<IValidateOptions<TOptions>>(static provider => provider.GetRequiredService<TRules>());
    }
}
