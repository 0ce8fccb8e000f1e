using Mdfs.ServiceDefaults.Security;
using Mdfs.Web.Api;
using Mdfs.Web.Components;
using Mdfs.Web.Pages;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mdfs.Web.Sessions;

/// <summary>What became of an attempt to sign in.</summary>
public enum SignInTrouble
{
    None,
    WrongKey,
    TooMany,
    RedisAway,
    Stale,
}

/// <summary>Coming in and going out. Plain forms: the key is sent once, in a body, and works without script.</summary>
public static class SignInEndpoints
{
    public const string SignIn = "/sign-in";
    public const string SignOut = "/sign-out";

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        // Forms of the console's pages, and no part of the API: where the master shares the host, its description would list them.
        routes.MapGet(SignIn, ShowAsync).IsConsolePage(forAnybody: true).ExcludeFromDescription();
        routes.MapPost(SignIn, SignInAsync).IsConsolePage(forAnybody: true).ExcludeFromDescription();
        routes.MapPost(SignOut, SignOutAsync).IsConsolePage(forAnybody: true).ExcludeFromDescription();
    }

    private static async Task<IResult> ShowAsync(HttpContext context, string? @return, SessionStore sessions, ConsoleRedis redis) =>
        await sessions.FindAsync(SessionCookie.Read(context)) is not null
            ? TypedResults.LocalRedirect(Safe(@return))
            : Page(context, @return, redis.Answers ? SignInTrouble.None : SignInTrouble.RedisAway);

    private static async Task<IResult> SignInAsync(
        HttpContext context, IAntiforgery antiforgery, AdminKeys keys, FailedAttempts failures, SessionStore sessions, MasterApi master)
    {
        if (!context.Request.HasFormContentType || context.Request.ContentLength is null or > 16 << 10) return Page(context, null, SignInTrouble.Stale);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var back = (string?)form["return"];
        if (!await antiforgery.IsRequestValidAsync(context)) return Page(context, back, SignInTrouble.Stale);

        var address = context.Connection.RemoteIpAddress;
        var actor = address?.ToString();
        var right = keys.Verify(((string?)form["key"])?.Trim());
        // A right key from a locked address waits too, as everywhere (KeyGuard).
        var wait = right ? failures.Wait(address) : failures.Add(address);
        if (wait > TimeSpan.Zero)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString("F0", System.Globalization.CultureInfo.InvariantCulture);
            return Page(context, back, SignInTrouble.TooMany, wait);
        }

        if (!right)
        {
            await TellAsync(master, "sign-in-failed", actor);
            return Page(context, back, SignInTrouble.WrongKey);
        }

        if (await sessions.CreateAsync(actor) is not { } id) return Page(context, back, SignInTrouble.RedisAway);
        // Whoever was signed in with this browser before is not any more.
        if (SessionCookie.Read(context) is { } former) await sessions.EndAsync(ConsoleSession.HandleOf(former));
        SessionCookie.Write(context, id);
        await TellAsync(master, "signed-in", actor);
        return TypedResults.LocalRedirect(Safe(back));
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, SessionStore sessions, MasterApi master)
    {
        if (await sessions.FindAsync(SessionCookie.Read(context)) is not { } session) return Leave(context);
        if (!context.Request.HasFormContentType || context.Request.ContentLength is null or > 16 << 10) return TypedResults.BadRequest();
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (!session.Matches(form[SessionCookie.AntiforgeryField])) return TypedResults.BadRequest();
        if (form["everywhere"] == "true") await sessions.EndAllAsync();
        else await sessions.EndAsync(session.Handle);
        await TellAsync(master, "signed-out", session.Address);
        return Leave(context);
    }

    private static RedirectHttpResult Leave(HttpContext context)
    {
        SessionCookie.Remove(context);
        // Else the browser's "back" would show what was on the screen.
        context.Response.Headers["Clear-Site-Data"] = "\"cache\"";
        return TypedResults.LocalRedirect(SignIn);
    }

    private static RazorComponentResult<SignInPage> Page(HttpContext context, string? back, SignInTrouble trouble, TimeSpan wait = default)
    {
        context.Response.StatusCode = trouble switch
        {
            SignInTrouble.WrongKey => StatusCodes.Status401Unauthorized,
            SignInTrouble.TooMany => StatusCodes.Status429TooManyRequests,
            SignInTrouble.RedisAway => StatusCodes.Status503ServiceUnavailable,
            SignInTrouble.Stale => StatusCodes.Status400BadRequest,
            _ => StatusCodes.Status200OK,
        };
        var result = new RazorComponentResult<SignInPage>(new { Trouble = trouble, Wait = wait, Return = Safe(back) }) { PreventStreamingRendering = true };
        return result;
    }

    // The activity is a courtesy: nobody waits long for it.
    private static async Task TellAsync(MasterApi master, string kind, string? actor)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await master.TellAsync(new Told(kind, actor), limit.Token);
        }
        catch (OperationCanceledException)
        {
            // It is written down, or not.
        }
    }

    /// <summary>Where to go on: a path of ours, never another site (<c>//evil.example</c>). Ours come percent-encoded; in a header anything else could not stand.</summary>
    private static string Safe(string? path) =>
        path is { Length: > 0 and < 1024 } && path[0] == '/' && (path.Length == 1 || path[1] is not ('/' or '\\')) && path.All(static letter => letter is > ' ' and <= '~') ? path : "/";
}
