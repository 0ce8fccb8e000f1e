using System.ComponentModel;
using System.Globalization;
using System.Net;
using Mdfs.Master.Catalog;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Files;

/// <summary>
/// All movies as a folder on a plain web server: a page of links in the form that nginx made known, and the movies beneath it under their own names. Kodi, rclone
/// and wget browse it, and so does any browser without script.
/// </summary>
public static class IndexEndpoints
{
    private const string Folder = "/index/";

    public static void MapIndex(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/index", ["GET", "HEAD"], Page).RequireReader().WithTags("Movies")
            .WithSummary("All movies as a page of links").WithDescription("Plain HTML, as a folder on a web server looks, for Kodi, rclone, wget and browsers.")
            .Answers(200, "The page.", ApiExamples.Index, "text/html");
        routes.MapMethods("/index/{name}", ["GET", "HEAD"], ContentAsync).RequireReader().WithTags("Movies")
            .WithMetadata(new ServesMovieMark(static context => RouteName.Of(context, $"{context.GetRouteValue("name")}", Folder)))
            .WithSummary("The bytes of a movie, under a path that ends with its name").WithDescription("The same as /api/files/{name}/content.").AnswersBytes();
    }

    private static IResult Page(HttpContext context, [Description("Part of the name, case-insensitive.")] string? query, FileCatalog catalog, MovieLinks links)
    {
        // Links on the page are relative to a folder.
        if (context.Request.Path.Value?.EndsWith('/') != true) return TypedResults.Redirect($"{Folder}{context.Request.QueryString}", permanent: true, preserveMethod: false);
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'";
        context.Response.Headers.Append("Link", "</api/playlist.m3u8>; rel=\"alternate\"; type=\"audio/x-mpegurl\", </api/playlist.xspf>; rel=\"alternate\"; type=\"application/xspf+xml\"");
        // Who sends the key in a header will send it with every movie too, and is best served with plain names (rclone leaves out links that have a query).
        // A person came with the key in the address: the links they click carry a signature.
        var signed = links.AreSigned && context.Request.Query.ContainsKey(KeyGuard.Field);
        return new WrittenText("text/html; charset=utf-8", text => WriteAsync(text, Shelf.Sorted(catalog, query), entry =>
            signed ? links.InFolder("", entry)[Folder.Length..] : Uri.EscapeDataString(entry.Name.Value)));
    }

    private static Task<IResult> ContentAsync(HttpContext context, [Description(FileEndpoints.Name)] string name, ReadFile read) =>
        FileName.TryParse(RouteName.Of(context, name, Folder), out var parsed, out var problem)
            ? read.RunAsync(context, parsed, attachment: false)
            : Task.FromResult<IResult>(FileProblems.BadName(problem));

    private static async Task WriteAsync(TextWriter text, IEnumerable<CatalogEntry> entries, Func<CatalogEntry, string> linkTo)
    {
        await text.WriteAsync("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Index of /index/</title></head>\n<body>\n<h1>Index of /index/</h1><hr><pre>\n");
        foreach (var entry in entries)
        {
            var name = entry.Name.Value;
            var date = entry.Replica.CommittedAt.UtcDateTime.ToString("dd-MMM-yyyy HH:mm", CultureInfo.InvariantCulture);
            var gap = new string(' ', Math.Max(1, 51 - name.Length));
            await text.WriteAsync(string.Create(
                CultureInfo.InvariantCulture, $"<a href=\"{WebUtility.HtmlEncode(linkTo(entry))}\">{WebUtility.HtmlEncode(name)}</a>{gap}{date} {entry.Size,19}\n"));
        }

        await text.WriteAsync("</pre><hr></body>\n</html>\n");
    }
}
