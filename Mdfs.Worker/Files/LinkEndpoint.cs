using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace Mdfs.Worker.Files;

/// <summary>
/// Serves a version to whoever carries a link that the master signed, without asking the master (design, section 5). The link alone decides: it names one version,
/// so an answer that has begun is finished although the movie is deleted or overwritten meanwhile. Bytes in the trash are not opened.
/// </summary>
internal static class LinkEndpoint
{
    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapLinks(this IEndpointRouteBuilder routes) =>
        routes.MapMethods(Routes.Worker.Link, _methods, SendAsync).AuthorisedByHandler("the signature in the query, made by the master for this version, name and time");

    private static async Task<IResult> SendAsync(
        string version, HttpContext context, SignedLinks links, Inventory inventory, WindowFindings replicas, WindowSender sender, MasterClock clock)
    {
        var query = context.Request.Query;
        var attachment = query[Routes.Worker.LinkDisposition] == "attachment";
        if (!MovieVersion.TryParse(version, out var wanted) || !FileName.TryParse(NameIn(context), out var name, out _)) return SecurityProblems.LinkWrong;
        var claim = new LinkClaim(LinkServer.Worker, name, wanted, attachment, Expires: 0);
        switch (links.Check(claim, query[SignedLinks.ExpiresParameter], query[SignedLinks.SignatureParameter], clock.Now))
        {
            case LinkVerdict.Expired:
                return SecurityProblems.LinkExpired;
            case LinkVerdict.Wrong:
                return SecurityProblems.LinkWrong;
        }

        if (inventory.IsDeleted(name, wanted)) return Deleted;
        using var reader = replicas.Open(wanted);
        if (reader?.Held.Report.Replica is not { } replica || replica.Name != name) return NotHere;
        return await DownloadEndpoint.AnswerAsync(context, replica, reader, sender, clock, attachment);
    }

    // As it was sent: the decoded path cannot tell every name from every other.
    private static string NameIn(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return Uri.UnescapeDataString(target.Split('?', 2)[0].Split('/')[^1]);
    }

    private static IResult Deleted { get; } = new ClassicText(StatusCodes.Status410Gone, "This movie was deleted.");

    private static IResult NotHere { get; } =
        new ClassicText(StatusCodes.Status404NotFound, "This version is no longer on this worker: the movie was replaced, or the copy was moved. Ask the master again.");
}
