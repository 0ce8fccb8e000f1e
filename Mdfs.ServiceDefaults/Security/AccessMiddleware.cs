using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Enforces the <see cref="AccessMark"/> of the route that was chosen. A route without one is closed.</summary>
public sealed partial class AccessMiddleware(RequestDelegate next, KeyGuard keys, ILogger<AccessMiddleware> logger)
{
    public Task InvokeAsync(HttpContext context)
    {
        // Not a RouteEndpoint: nothing matched, or routing's own answer for a wrong method or content type. Neither runs a handler of ours.
        if (context.GetEndpoint() is not RouteEndpoint route) return next(context);

        var mark = route.Metadata.GetMetadata<AccessMark>();
        return mark?.Access switch
        {
            AccessClass.Open or AccessClass.Handler => next(context),
            AccessClass.Reader => GoOn(context, keys.RefuseReader(context)),
            AccessClass.Admin => GoOn(context, keys.RefuseAdmin(context)),
            AccessClass.Node => NodeAsync(context, mark),
            _ => Unmarked(context, route),
        };
    }

    private Task GoOn(HttpContext context, Problem? refusal) => refusal is null ? next(context) : refusal.ExecuteAsync(context);

    private async Task NodeAsync(HttpContext context, AccessMark mark)
    {
        var guard = context.RequestServices.GetRequiredService<NodeGuard>();
        if (await guard.AdmitAsync(context, mark.Purposes)) await next(context);
    }

    private Task Unmarked(HttpContext context, RouteEndpoint route)
    {
        LogUnmarked(route.DisplayName ?? route.RoutePattern.RawText ?? "?");
        return SecurityProblems.Unmarked.ExecuteAsync(context);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The route {Route} carries no access mark and was refused. Mark it with Open, RequireReader, RequireAdmin or RequireNode.")]
    private partial void LogUnmarked(string route);
}
