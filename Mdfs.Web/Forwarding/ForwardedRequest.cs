using System.Net;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Web.Pages;
using Mdfs.Web.Sessions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Mdfs.Web.Forwarding;

/// <summary>What the master is told about a forwarded request: the name it was asked under, who asked, and, when the console's cookie made it an admin's, the key.</summary>
internal class ForwardedRequest(ConsoleProof proof) : HttpTransformer
{
    // As it came: put together anew from its decoded parts, an encoded slash in a name would be encoded a second time.
    private static readonly UriCreationOptions _asItCame = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <summary>Whether what it asks for may be more than an answer. The classic deletion comes by GET too.</summary>
    public static bool MayChange(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method)) || request.Path.StartsWithSegments("/delete");

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.Options.Set(SentOnce.Changes, MayChange(httpContext.Request));
        var headers = proxyRequest.Headers;
        proxyRequest.RequestUri = Target(httpContext, destinationPrefix);
        // The master judges the name itself, compares the browser's Origin with it, and writes it into playlists.
        headers.Host = HostNames.Of(httpContext.Request).Value;

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
        headers.Remove(ConsoleProof.Header);
        if (httpContext.Features.Get<ConsoleSession>() is not null && KeyGuard.Presented(httpContext) is null) proof.Show(headers);
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is { StatusCode: HttpStatusCode.NotFound } && NowherePage.IsFor(httpContext.Request) && await IsNoAddressAsync(proxyResponse.Content, cancellationToken))
        {
            await NowherePage.WriteAsync(httpContext);
            return false;
        }

        // The common pipeline has said it for answers of this host; the master says it of its own, and a copied header is added to what stands there.
        if (proxyResponse?.Headers.Contains(HeaderNames.XContentTypeOptions) == true) httpContext.Response.Headers.Remove(HeaderNames.XContentTypeOptions);
        return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    // Not that there is no such movie, say: the sentence tells which.
    private static async Task<bool> IsNoAddressAsync(HttpContent said, CancellationToken cancellationToken)
    {
        var sentence = CommonProblems.NoSuchRoute.Detail;
        if (said.Headers.ContentLength is not { } length || length < sentence.Length || length > sentence.Length + 2) return false;
        return (await said.ReadAsStringAsync(cancellationToken)).TrimEnd() == sentence;
    }

    private static Uri Target(HttpContext context, string destinationPrefix)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        return raw is ['/', ..]
            ? new Uri(destinationPrefix + raw, in _asItCame)
            : RequestUtilities.MakeDestinationAddress(destinationPrefix, context.Request.Path, context.Request.QueryString);
    }
}
