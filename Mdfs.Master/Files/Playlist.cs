using System.Text;
using Mdfs.Master.Catalog;

namespace Mdfs.Master.Files;

/// <summary>An extended M3U playlist in UTF-8, as VLC, mpv and Kodi read it: one <c>#EXTINF</c> line and one link per movie.</summary>
public static class Playlist
{
    public const string ContentType = "audio/x-mpegurl; charset=utf-8";

    /// <param name="baseUrl">Scheme and authority under which the client reached us, no trailing slash.</param>
    public static string Write(IEnumerable<CatalogEntry> entries, string baseUrl)
    {
        var text = new StringBuilder("#EXTM3U\n");
        foreach (var entry in entries)
        {
            // Names have no control characters, so none can add a line. -1: length unknown, the player finds out.
            text.Append("#EXTINF:-1,").Append(entry.Name.Value).Append('\n')
                .Append(baseUrl).Append("/play?name=").Append(Uri.EscapeDataString(entry.Name.Value)).Append('\n');
        }

        return text.ToString();
    }
}
