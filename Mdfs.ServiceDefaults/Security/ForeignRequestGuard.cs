using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Keeps other people's web pages from acting through a browser that can reach this service (design, section 8). What changes state is
/// refused when the browser says that it comes from elsewhere; that, and what only readers and admins may see, also under a name that is not ours.
/// </summary>
/// <remarks>
/// Not asked: routes of nodes, whose token is bound to the receiver and cannot be made by a page, so that any advertised address works;
/// and open routes and proofs that the handler checks, as long as they only read: health and metrics are read by whatever name monitoring has.
/// </remarks>
public sealed class ForeignRequestGuard(RequestDelegate next, HostNames names)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not RouteEndpoint route) return next(context);
        var access = route.Metadata.GetMetadata<AccessMark>()?.Access;
        if (access == AccessClass.Node) return next(context);

        var changes = ChangesState(context.Request, route);
        var reads = access is AccessClass.Reader or AccessClass.Admin;
        if ((changes || reads) && !names.Allows(HostNames.Of(context.Request))) return SecurityProblems.ForeignHost.ExecuteAsync(context);
        return changes && IsForeign(context.Request) ? SecurityProblems.ForeignSite.ExecuteAsync(context) : next(context);
    }

    private static bool ChangesState(HttpRequest request, RouteEndpoint route) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        || route.Metadata.GetMetadata<ChangesStateMark>() is not null;

    private static bool IsForeign(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site.ToString() is not ("same-origin" or "none")) return true;
        var origin = request.Headers.Origin;
        return origin.Count > 0 && !IsOwn(origin.ToString(), HostNames.Of(request));
    }

    // The scheme does not count: behind a proxy that speaks TLS it differs. "null" (a sandboxed page, a local file) is no URL and so foreign.
    private static bool IsOwn(string origin, HostString own)
    {
        if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) return false;
        var ownPort = own.Port ?? (uri.Scheme == "https" ? 443 : 80);
        return uri.Port == ownPort && uri.Host.Equals(own.Host, StringComparison.OrdinalIgnoreCase);
    }
}
