using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Enforces the <see cref="AccessMark"/> of the route that was chosen. A route without one is closed.</summary>
public sealed partial class AccessMiddleware(RequestDelegate next, KeyGuard keys, ILogger<AccessMiddleware> logger)
{
    public Task InvokeAsync(HttpContext context)
    {
        // Not a RouteEndpoint: nothing matched, or routing's own answer for a wrong method or content type. Neither runs a handler of ours.
        if (context.GetEndpoint() is not RouteEndpoint route) return next(context);

        var refusal = Refusal(context, route);
        return refusal is null ? next(context) : refusal.ExecuteAsync(context);
    }

    private Problem? Refusal(HttpContext context, RouteEndpoint route)
    {
        switch (route.Metadata.GetMetadata<AccessMark>()?.Access)
        {
            case AccessClass.Open or AccessClass.Handler: return null;
            case AccessClass.Reader: return keys.RefuseReader(context);
            case AccessClass.Admin: return keys.RefuseAdmin(context);
            default:
                LogUnmarked(route.DisplayName ?? route.RoutePattern.RawText ?? "?");
                return SecurityProblems.Unmarked;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The route {Route} carries no access mark and was refused. Mark it with Open, RequireReader, RequireAdmin or RequireNode.")]
    private partial void LogUnmarked(string route);
}
