using System.Security.Claims;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Web.Sessions;
using Mdfs.Web.Texts;

namespace Mdfs.Web.Pages;

/// <summary>What every page of the console goes through: its language, the headers that keep foreign script out, and the question who is asking.</summary>
public sealed class PageGuard(RequestDelegate next, SessionStore sessions, KeyRing keyRing, HostNames names)
{
    /// <summary>The claim that carries the session's handle into the circuit.</summary>
    public const string SessionClaim = "mdfs-session";

    // Styles may stand in attributes: MudBlazor places its popovers by them. Scripts come from files of ours and from nowhere else.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; "
        + "manifest-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ConsoleMark>() is not { } mark)
        {
            await next(context);
            return;
        }

        Languages.Use(context);
        Protect(context.Response.Headers);
        // A page that made its own name point here gets no page of ours to play with, although it may have a cookie from nowhere.
        if (!names.Allows(HostNames.Of(context.Request)))
        {
            await SecurityProblems.ForeignHost.ExecuteAsync(context);
            return;
        }

        if (mark.ForAnybody && context.GetEndpoint()?.Metadata.GetMetadata<AssetMark>() is not null)
        {
            await next(context);
            return;
        }

        // In the words of the framework's antiforgery, which else overrides them with a warning.
        context.Response.Headers.CacheControl = "no-cache, no-store";
        context.Response.Headers.Pragma = "no-cache";
        if (!keyRing.IsReady)
        {
            await RedisAwayPage.WriteAsync(context);
            return;
        }

        var session = mark.ForAnybody ? null : await sessions.FindAsync(SessionCookie.Read(context));
        if (session is null && !mark.ForAnybody)
        {
            Turn(context);
            return;
        }

        if (session is not null)
        {
            context.Features.Set(session);
            context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(SessionClaim, session.Handle), new Claim(SessionCookie.AntiforgeryHeader, session.Token)], "mdfs-console"));
        }

        await next(context);
    }

    internal static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
    }

    private static void Turn(HttpContext context)
    {
        var request = context.Request;
        // The circuit and what scripts ask for: they cannot follow to a page.
        if (!(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || request.Path.StartsWithSegments("/_blazor"))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        var back = request.Path == "/" && !request.QueryString.HasValue ? "" : $"?return={Uri.EscapeDataString(request.Path + request.QueryString)}";
        context.Response.Redirect(SignInEndpoints.SignIn + back);
    }
}
