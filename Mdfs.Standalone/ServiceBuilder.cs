using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace Mdfs.Standalone;

/// <summary>What the services of one process have in common: nothing but where their settings come from and how their log lines look.</summary>
internal static class ServiceBuilder
{
    // Sentences to the operator, and whatever is wrong. That the keys are well-known is said once, in the banner, not by every service.
    private static readonly Dictionary<string, string?> _quiet = new()
    {
        ["Logging:LogLevel:Default"] = "Warning",
        ["Logging:LogLevel:Mdfs"] = "Information",
        ["Logging:LogLevel:Mdfs.ServiceDefaults.Security.AdminKeys"] = "Error",
        ["Logging:LogLevel:Mdfs.Protocol.Security.ClusterKeys"] = "Error",
    };

    /// <param name="wiring">What makes this service the one it is; counts more than any setting.</param>
    public static WebApplicationBuilder Create(string name, StandaloneOptions options, IReadOnlyDictionary<string, string?> wiring)
    {
        // Not the current directory: a settings file that happens to lie there is not ours.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = options.Environment, ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(_quiet);
        if (options.Settings is { } settings)
            builder.Configuration.AddConfiguration(settings);
        builder.Configuration.AddInMemoryCollection(wiring);

        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Logging.AddConsoleFormatter<ServiceLines, ServiceLinesOptions>(lines => lines.Service = name);
        builder.Services.PostConfigure<ConsoleLoggerOptions>(static console => console.FormatterName = ServiceLines.FormatterName);
        return builder;
    }
}
