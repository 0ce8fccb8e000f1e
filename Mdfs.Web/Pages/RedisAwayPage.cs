using System.Net;

namespace Mdfs.Web.Pages;

/// <summary>All there is while Redis has not answered since the start: no page can be made that could be told from a forged one. Looks again by itself.</summary>
internal static class RedisAwayPage
{
    public static Task WriteAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "3";
        var said = WebUtility.HtmlEncode(PlainPage.Texts(context)["Redis.AwayAtStart"]);
        return PlainPage.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "MDFS Pro", $"""<h1>MDFS Pro</h1><p role="alert">{said}</p>""", """<meta http-equiv="refresh" content="3">""");
    }
}
