using System.Net;
using System.Text;
using Mdfs.Web.Texts;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Pages;

/// <summary>All there is while Redis has not answered since the start: no page can be made that could be told from a forged one. Looks again by itself.</summary>
internal static class RedisAwayPage
{
    public static async Task WriteAsync(HttpContext context)
    {
        var texts = context.RequestServices.GetRequiredService<IStringLocalizer<Words>>();
        var assets = context.RequestServices.GetRequiredService<ConsoleAssets>();
        var html = $"""
            <!doctype html>
            <html lang="{Languages.Current}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="3">
            <title>MDFS Pro</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="{assets.Url("console.css")}"></head>
            <body class="plain"><main class="card"><h1>MDFS Pro</h1><p role="alert">{WebUtility.HtmlEncode(texts["Redis.AwayAtStart"])}</p></main></body></html>
            """;
        var body = Encoding.UTF8.GetBytes(html);
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = "3";
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
