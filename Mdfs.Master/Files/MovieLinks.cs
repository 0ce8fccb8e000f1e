using Mdfs.Master.Catalog;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>
/// Addresses of movies to be given away (design, sections 5 and 8): in playlists and to whoever copies a link, signed where reading needs a key; and straight
/// to a worker for those who ask for it.
/// </summary>
public sealed class MovieLinks(SignedLinks links, AdminKeys keys, MovieSources sources, IMasterIdentity identity, IOptions<SignedLinkOptions> options)
{
    /// <summary>The query parameter by which a client asks for a direct link.</summary>
    public const string DirectParameter = "direct";

    /// <summary>When a link that is made now ends, in milliseconds since 1970.</summary>
    public long Expiry => identity.Now + (long)options.Value.LinkLife.TotalMilliseconds;

    /// <summary>Whether links are signed at all: where reading is open there is nothing to prove.</summary>
    public bool AreSigned => !keys.ReadingIsOpen;

    /// <summary>Scheme and authority under which this client reaches us, no trailing slash.</summary>
    public static string Origin(HttpRequest request) => $"{request.Scheme}://{request.Host}";

    /// <summary>The address of the movie in a playlist: a path that ends with its name, since players show and judge by it.</summary>
    /// <param name="origin">See <see cref="Origin"/>; empty for a path alone.</param>
    /// <param name="until">When it is to end; null: after its full life.</param>
    public string InFolder(string origin, CatalogEntry entry, long? until = null) => $"{origin}/index/{Uri.EscapeDataString(entry.Name.Value)}{Proof(entry, '?', until)}";

    public string Play(string origin, CatalogEntry entry) => $"{origin}/play?name={Uri.EscapeDataString(entry.Name.Value)}{Proof(entry, '&')}";

    public string Download(string origin, CatalogEntry entry) => $"{origin}/download?name={Uri.EscapeDataString(entry.Name.Value)}{Proof(entry, '&')}";

    /// <summary>Of this movie alone.</summary>
    public string Playlist(string origin, CatalogEntry entry) => $"{origin}/api/playlist.m3u8?name={Uri.EscapeDataString(entry.Name.Value)}{Proof(entry, '&')}";

    /// <summary>Whether the request asks to be sent to a worker, or all are.</summary>
    public bool WantsDirect(HttpRequest request) =>
        request.Query.TryGetValue(DirectParameter, out var direct) ? direct.ToString() is "1" or "true" : options.Value.DirectLinks;

    /// <summary>A link on a worker; null when no worker that holds the movie can be reached by clients.</summary>
    /// <param name="until">When it is to end; null: after its full life.</param>
    public string? Direct(CatalogEntry entry, bool attachment, long? until = null)
    {
        if (sources.PublicUrlOf(entry) is not { } worker) return null;
        var claim = new LinkClaim(LinkServer.Worker, entry.Name, entry.Version, attachment, until ?? Expiry);
        return $"{worker}{Routes.Worker.LinkPath(entry.Version, entry.Name, attachment)}{links.Query(claim)}";
    }

    private string Proof(CatalogEntry entry, char before, long? until = null) =>
        AreSigned ? before + links.Query(new LinkClaim(LinkServer.Master, entry.Name, entry.Version, Attachment: false, until ?? Expiry)) : "";
}
