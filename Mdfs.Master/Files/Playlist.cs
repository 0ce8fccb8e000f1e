using System.Xml;

namespace Mdfs.Master.Files;

/// <summary>Playlists in the two forms that players read. Written movie by movie, so that a large library takes no memory.</summary>
public static class Playlist
{
    public const string M3uType = "audio/x-mpegurl; charset=utf-8";
    public const string XspfType = "application/xspf+xml; charset=utf-8";

    private const string XspfNamespace = "http://xspf.org/ns/0/";

    /// <summary>Extended M3U in UTF-8: one <c>#EXTINF</c> line and one link per movie.</summary>
    public static async Task WriteM3uAsync(TextWriter text, IEnumerable<(string Title, string Link)> movies)
    {
        await text.WriteAsync("#EXTM3U\n");
        // Names have no control characters, so none can add a line. -1: length unknown, the player finds out.
        foreach (var (title, link) in movies) await text.WriteAsync($"#EXTINF:-1,{title}\n{link}\n");
    }

    /// <summary>XSPF, version 1.</summary>
    public static async Task WriteXspfAsync(TextWriter text, IEnumerable<(string Title, string Link)> movies)
    {
        await using var xml = XmlWriter.Create(text, new XmlWriterSettings { Async = true, Indent = true, NewLineChars = "\n", CloseOutput = false });
        await xml.WriteStartDocumentAsync();
        await xml.WriteStartElementAsync(null, "playlist", XspfNamespace);
        await xml.WriteAttributeStringAsync(null, "version", null, "1");
        await xml.WriteElementStringAsync(null, "title", XspfNamespace, "MDFS Pro");
        await xml.WriteStartElementAsync(null, "trackList", XspfNamespace);
        foreach (var (title, link) in movies)
        {
            await xml.WriteStartElementAsync(null, "track", XspfNamespace);
            await xml.WriteElementStringAsync(null, "location", XspfNamespace, link);
            await xml.WriteElementStringAsync(null, "title", XspfNamespace, Sayable(title));
            await xml.WriteEndElementAsync();
        }

        await xml.WriteEndElementAsync();
        await xml.WriteEndElementAsync();
        await xml.WriteEndDocumentAsync();
    }

    // Two characters that a name may hold and XML may not.
    private static string Sayable(string title) => title.Replace('\uFFFE', '\uFFFD').Replace('\uFFFF', '\uFFFD');
}
