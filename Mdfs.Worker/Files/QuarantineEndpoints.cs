using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>What was put aside: told to the master alone, made a prepared upload or removed at its word.</summary>
internal static class QuarantineEndpoints
{
    // Below the size at which the master stops reading an answer.
    private const int Most = 500;

    public static void MapQuarantine(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Worker.Quarantine, List).RequireNode(NodePurpose.Control);
        routes.MapDelete(Routes.Worker.Quarantined, Purge).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.AdoptQuarantined, AdoptAsync).RequireNode(NodePurpose.Control);
    }

    private static IResult List(Quarantine quarantine) => TypedResults.Json(new QuarantineReport(quarantine.List(Most)), WireJson.Default.QuarantineReport);

    private static IResult Purge(string id, Quarantine quarantine, BeatBell bell)
    {
        if (!quarantine.Purge(id)) return Answers.Refuse(WorkerProblems.NotInQuarantine(id));
        bell.Ring();
        return TypedResults.NoContent();
    }

    private static async Task<IResult> AdoptAsync(string id, HttpContext context, UploadStore uploads)
    {
        if (Answers.Body(context, WireJson.Default.AdoptQuarantined) is not { } request || request.Upload == default) return Answers.Unreadable;
        return Answers.Of(await uploads.AdoptAsync(request.Upload, id, context.RequestAborted), WireJson.Default.PreparedReceipt);
    }
}
