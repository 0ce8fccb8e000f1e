using System.ComponentModel;
using Mdfs.Master.Catalog;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Files;

/// <summary>What is given to players instead of a page: playlists of all movies, of some, or of one, and the links of a movie.</summary>
public static class PlaylistEndpoints
{
    public static void MapPlaylists(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/api/playlist.m3u8", ["GET", "HEAD"], M3u).RequireReader().WithMetadata(ServesMovieMark.ByQuery).WithTags("Movies")
            .WithSummary("Playlist as extended M3U").WithDescription("A link per movie, for VLC, mpv and Kodi. All movies, those whose names hold 'query', or the one named 'name'.")
            .Answers(200, "The playlist, in UTF-8.", ApiExamples.Playlist, "audio/x-mpegurl").RefusesNames();
        routes.MapMethods("/api/playlist.xspf", ["GET", "HEAD"], Xspf).RequireReader().WithMetadata(ServesMovieMark.ByQuery).WithTags("Movies")
            .WithSummary("Playlist as XSPF").WithDescription("The same as XML.")
            .Answers(200, "The playlist, in UTF-8.", ApiExamples.Xspf, "application/xspf+xml").RefusesNames();
        routes.MapGet("/api/files/{name}/links", Links).RequireReader().WithTags("Movies")
            .WithSummary("Links to a movie").WithDescription("To be copied and given away. Where reading needs a key they carry a signature, are good for a time (Mdfs:Master:LinkLife), and open this version only.")
            .Answers(200, "Absolute addresses.", ApiExamples.Links).RefusesNames();
    }

    private static IResult M3u(HttpContext context, [Description("Part of the name, case-insensitive.")] string? query, [Description("One movie.")] string? name, FileCatalog catalog, CatalogSession session, MovieLinks links) =>
        Answer(context, query, name, catalog, session, links, Playlist.M3uType, Playlist.WriteM3uAsync);

    private static IResult Xspf(HttpContext context, [Description("Part of the name, case-insensitive.")] string? query, [Description("One movie.")] string? name, FileCatalog catalog, CatalogSession session, MovieLinks links) =>
        Answer(context, query, name, catalog, session, links, Playlist.XspfType, Playlist.WriteXspfAsync);

    private static IResult Answer(
        HttpContext context, string? query, string? name, FileCatalog catalog, CatalogSession session, MovieLinks links,
        string type, Func<TextWriter, IEnumerable<(string Title, string Link)>, Task> write)
    {
        IEnumerable<CatalogEntry> entries;
        if (name is not null)
        {
            if (!FileName.TryParse(name, out var one, out var problem)) return FileProblems.BadName(problem);
            if (catalog.Find(one) is not { } entry) return FileProblems.Missing(one, session);
            entries = [entry];
        }
        else
        {
            entries = Shelf.Sorted(catalog, query);
        }

        var origin = MovieLinks.Origin(context.Request);
        var until = context.Features.Get<OpenedByLink>()?.Until;
        return new WrittenText(type, text => write(text, entries.Select(entry => (entry.Name.Value, links.InFolder(origin, entry, until)))));
    }

    private static IResult Links(HttpContext context, [Description(FileEndpoints.Name)] string name, FileCatalog catalog, CatalogSession session, MovieLinks links)
    {
        if (!FileName.TryParse(RouteName.Of(context, name), out var parsed, out var problem)) return FileProblems.BadName(problem);
        if (catalog.Find(parsed) is not { } entry) return FileProblems.Missing(parsed, session);
        var origin = MovieLinks.Origin(context.Request);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new LinkFacts(
            links.Play(origin, entry), links.Download(origin, entry), links.InFolder(origin, entry),
            links.Playlist(origin, entry), links.Direct(entry, attachment: false),
            links.AreSigned ? DateTimeOffset.FromUnixTimeMilliseconds(links.Expiry) : null));
    }
}
