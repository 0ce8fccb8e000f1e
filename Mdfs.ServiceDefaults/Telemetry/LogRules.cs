using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// What is said in the log when nobody configures it, and what never is. The framework's request log prints raw queries, which hold the
/// classic <c>secret</c>: no configuration may switch that on (design, section 8).
/// </summary>
internal static class LogRules
{
    private static readonly (string Category, LogLevel Level)[] _defaults =
    [
        ("Microsoft.AspNetCore", LogLevel.Warning),
        ("System.Net.Http.HttpClient", LogLevel.Warning),
        ("OpenTelemetry", LogLevel.Warning),
        // A dozen lines for every connection; the master says itself what matters of its Redis. Its whole name has a dot, which no shell takes in that of a variable.
        ("StackExchange", LogLevel.Warning),
        ("Yarp", LogLevel.Warning),
    ];

    // Each of these prints a request line, a path, a query or a location below Warning.
    private static readonly string[] _neverBelowWarning =
    [
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Microsoft.AspNetCore.Http.Result.RedirectResult",
        "Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware",
        "Microsoft.AspNetCore.HttpsPolicy.HttpsRedirectionMiddleware",
        "Microsoft.AspNetCore.Rewrite.RewriteMiddleware",
        "Microsoft.AspNetCore.Routing.EndpointRoutingMiddleware",
        "Microsoft.AspNetCore.Routing.Matching.DfaMatcher",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
        "Microsoft.AspNetCore.Server.Kestrel.Connections",
        "Microsoft.AspNetCore.Server.Kestrel.Http2",
        "Yarp.ReverseProxy.Forwarder.HttpForwarder",
    ];

    /// <summary>Runs after configuration has been read, each time it is.</summary>
    public static void Apply(LoggerFilterOptions options)
    {
        // In front: whatever is configured for the same category counts more.
        foreach (var (category, level) in _defaults) options.Rules.Insert(0, new LoggerFilterRule(null, category, level, null));

        // Behind, for every provider that has rules of its own, since those count more than general ones. The star makes the category longer
        // than any other that matches, and of equally long ones the last counts.
        var providers = options.Rules.Select(static rule => rule.ProviderName).Append(null).Distinct().ToList();
        foreach (var provider in providers)
        {
            foreach (var category in _neverBelowWarning) options.Rules.Add(new LoggerFilterRule(provider, category + "*", LogLevel.Warning, null));
        }
    }
}
