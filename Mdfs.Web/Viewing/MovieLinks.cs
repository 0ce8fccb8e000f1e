using Mdfs.Web.Api;

namespace Mdfs.Web.Viewing;

/// <summary>How this page's browser, and a player beside it, reach a movie.</summary>
/// <param name="Play">Path and query of the bytes to be shown.</param>
/// <param name="Download">The same to be saved.</param>
public sealed record MovieLinks(string Play, string Download)
{
    /// <summary>As long as reading needs no key.</summary>
    public static MovieLinks Plain(string name) => new($"/play?name={Uri.EscapeDataString(name)}", $"/download?name={Uri.EscapeDataString(name)}");

    /// <summary>Asked for when they are wanted: where reading needs a key each is signed, and lives for a while only.</summary>
    /// <param name="here">The page's own address.</param>
    public static async Task<MovieLinks> OfAsync(string name, MasterApi master, string here)
    {
        var links = await master.LinksAsync(name, new Uri(here).Authority, CancellationToken.None);
        // The way there is ours: the master does not know whether we are reached over TLS.
        return links.Succeeded ? new MovieLinks(new Uri(links.Value.Play).PathAndQuery, new Uri(links.Value.Download).PathAndQuery) : Plain(name);
    }

    /// <summary>For players: absolute.</summary>
    public string Absolute(string here) => new Uri(here).GetLeftPart(UriPartial.Authority) + Play;
}
