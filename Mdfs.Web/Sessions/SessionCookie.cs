namespace Mdfs.Web.Sessions;

/// <summary>Where a browser keeps the session's id: out of reach of scripts, and never sent along by other people's pages.</summary>
public static class SessionCookie
{
    public const string Name = "mdfs-session";

    /// <summary>With the cookie alone a request is nobody's: it has to show that it comes from a page of ours.</summary>
    public const string AntiforgeryHeader = "X-Mdfs-Antiforgery";

    /// <summary>The same as a field of a form.</summary>
    public const string AntiforgeryField = "antiforgery";

    public static string? Read(HttpContext context) => context.Request.Cookies.TryGetValue(Name, out var id) && id.Length is > 0 and < 256 ? id : null;

    public static void Write(HttpContext context, string id) => context.Response.Cookies.Append(Name, id, Options(context));

    public static void Remove(HttpContext context) => context.Response.Cookies.Delete(Name, Options(context));

    // Without a date: it goes when the browser does, and at the latest when the session in Redis does.
    private static CookieOptions Options(HttpContext context) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, Path = "/", IsEssential = true };
}
