using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Web.Sessions;

/// <summary>
/// Finds out, before anything else looks at a request for <c>/api</c>, whether the console's cookie makes it an admin's (design, section 8): only below
/// <c>/api</c>, and only together with the antiforgery header, which another site's page can neither know nor send.
/// </summary>
public sealed class CookieAuthority(RequestDelegate next, SessionStore sessions)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments("/api")
            && context.Request.Headers.TryGetValue(SessionCookie.AntiforgeryHeader, out var token)
            && SessionCookie.Read(context) is { } id
            && await sessions.FindAsync(id) is { } session
            && session.Matches(token))
        {
            context.Features.Set(session);
        }

        await next(context);
    }
}

/// <summary>Puts it in front of the pipeline, whoever builds that: where console and master share a host, the master's access check comes first.</summary>
internal sealed class CookieAuthorityFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.UseMiddleware<CookieAuthority>();
        next(app);
    };
}

/// <summary>Where console and master share a host: what <see cref="CookieAuthority"/> found opens the master's routes.</summary>
public sealed class CookiePass : IAccessPass
{
    public bool Admits(HttpContext context, AccessClass access) => context.Features.Get<ConsoleSession>() is not null;
}
