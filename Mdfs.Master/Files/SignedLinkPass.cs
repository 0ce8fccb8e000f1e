using System.Globalization;
using Mdfs.Master.Catalog;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Files;

/// <summary>Marks a route that sends the bytes of one movie, or its playlist, and so can be opened by a link to that movie.</summary>
/// <param name="NameOf">Where the request names it; null: it names none, and no link opens it.</param>
public sealed record ServesMovieMark(Func<HttpContext, string?> NameOf)
{
    public static ServesMovieMark ByQuery { get; } = new(static context => context.Request.Query["name"]);
}

/// <summary>Left with a request that a signed link has opened: nothing that is given with the answer may be good for longer, else whoever has a link would never be without one.</summary>
/// <param name="Until">Milliseconds since 1970 by the master's clock.</param>
public sealed record OpenedByLink(long Until);

/// <summary>
/// Lets in who carries a signed link, where reading needs a key (design, section 8): to the bytes of the version that the link was made for, and to its playlist, as long as it is
/// the current one. The link's own expiry counts; the reader key may have been changed meanwhile, the cluster key may not.
/// </summary>
public sealed class SignedLinkPass(SignedLinks links, FileCatalog catalog, IMasterIdentity identity) : IAccessPass
{
    public bool Admits(HttpContext context, AccessClass access)
    {
        if (access != AccessClass.Reader || !(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))) return false;
        if (context.GetEndpoint()?.Metadata.GetMetadata<ServesMovieMark>() is not { } mark) return false;
        var query = context.Request.Query;
        if (!query.TryGetValue(SignedLinks.SignatureParameter, out var signature)) return false;
        if (!FileName.TryParse(mark.NameOf(context), out var name, out _) || catalog.Find(name) is not { } entry) return false;
        var claim = new LinkClaim(LinkServer.Master, name, entry.Version, Attachment: false, Expires: 0);
        var expires = query[SignedLinks.ExpiresParameter].ToString();
        switch (links.Check(claim, expires, signature, identity.Now))
        {
            case LinkVerdict.Valid:
                context.Features.Set(new OpenedByLink(long.Parse(expires, CultureInfo.InvariantCulture)));
                return true;
            case LinkVerdict.Expired:
                context.Features.Set(new RefusedPass(SecurityProblems.LinkExpired));
                return false;
            default:
                return false;
        }
    }
}
