using System.Net;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.Web.Texts;

namespace Mdfs.Web.Pages;

/// <summary>
/// What a person is shown at an address at which nothing is, neither of the console nor of the master. Everybody else, and whoever asks below <c>/api</c>, is told so in the words of the API.
/// </summary>
internal static class NowherePage
{
    /// <summary>Where both share a host: nobody has a route for it.</summary>
    public static async Task ShowAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.GetEndpoint() is null && context.Response is { StatusCode: StatusCodes.Status404NotFound, HasStarted: false } && IsFor(context.Request)) await WriteAsync(context);
    }

    /// <summary>Whether whoever asks would look at a page.</summary>
    public static bool IsFor(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && !Problem.SpeaksJson(request.Path)
        && request.GetTypedHeaders().Accept.Any(static accepted => accepted is { MediaType.Value: "text/html", Quality: not 0 });

    public static Task WriteAsync(HttpContext context)
    {
        Languages.Use(context);
        PageGuard.Protect(context.Response.Headers);
        context.Response.Headers.CacheControl = "no-store";
        var texts = PlainPage.Texts(context);
        var (title, back) = (WebUtility.HtmlEncode(texts["Nowhere.Title"]), WebUtility.HtmlEncode(texts["Nowhere.Back"]));
        return PlainPage.WriteAsync(context, StatusCodes.Status404NotFound, $"{texts["Nowhere.Title"]} – MDFS Pro", $"""<h1>{title}</h1><p><a href="/">{back}</a></p>""");
    }
}
