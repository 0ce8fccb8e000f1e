using System.Net;
using System.Text;
using Mdfs.Web.Texts;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Pages;

/// <summary>A page that is one sentence: it needs neither a session nor a circuit nor Redis.</summary>
internal static class PlainPage
{
    /// <param name="title">As text.</param>
    /// <param name="body">As HTML.</param>
    /// <param name="head">More for the head, as HTML.</param>
    public static async Task WriteAsync(HttpContext context, int status, string title, string body, string head = "")
    {
        var assets = context.RequestServices.GetRequiredService<ConsoleAssets>();
        var html = $"""
            <!doctype html>
            <html lang="{Languages.Current}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">{head}
            <title>{WebUtility.HtmlEncode(title)}</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="{assets.Url("console.css")}"><script src="{assets.Url("shade.js")}"></script></head>
            <body class="plain"><main class="card">{body}</main></body></html>
            """;
        var bytes = Encoding.UTF8.GetBytes(html);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    public static IStringLocalizer<Words> Texts(HttpContext context) => context.RequestServices.GetRequiredService<IStringLocalizer<Words>>();
}
