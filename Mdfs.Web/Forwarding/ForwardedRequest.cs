using System.Net.Http.Headers;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Web.Sessions;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Mdfs.Web.Forwarding;

/// <summary>What the master is told about a forwarded request: the name it was asked under, who asked, and, when the console's cookie made it an admin's, the key.</summary>
internal class ForwardedRequest(string adminKey) : HttpTransformer
{
    // As it came: put together anew from its decoded parts, an encoded slash in a name would be encoded a second time.
    private static readonly UriCreationOptions _asItCame = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var headers = proxyRequest.Headers;
        proxyRequest.RequestUri = Target(httpContext, destinationPrefix);
        // The master judges the name itself, compares the browser's Origin with it, and writes it into playlists.
        headers.Host = httpContext.Request.Host.Value;

        // Whatever a client says about proxies means nothing; what trusted ones said has been read already.
        headers.Remove("X-Forwarded-For");
        headers.Remove("X-Forwarded-Proto");
        headers.Remove("X-Forwarded-Host");
        headers.Remove("Forwarded");
        if (httpContext.Connection.RemoteIpAddress is { } client) headers.TryAddWithoutValidation("X-Forwarded-For", client.ToString());
        headers.TryAddWithoutValidation("X-Forwarded-Proto", httpContext.Request.Scheme);

        // The console's cookies are nobody else's business.
        headers.Remove("Cookie");
        headers.Remove(SessionCookie.AntiforgeryHeader);
        if (httpContext.Features.Get<ConsoleSession>() is not null && KeyGuard.Presented(httpContext) is null)
            headers.Authorization = new AuthenticationHeaderValue("Bearer", adminKey);
    }

    private static Uri Target(HttpContext context, string destinationPrefix)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        return raw is ['/', ..]
            ? new Uri(destinationPrefix + raw, in _asItCame)
            : RequestUtilities.MakeDestinationAddress(destinationPrefix, context.Request.Path, context.Request.QueryString);
    }
}
