using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>What was deleted and can be brought back: told to the master alone, and made a prepared upload at its word.</summary>
internal static class TrashEndpoints
{
    // Below the size at which the master stops reading an answer.
    private const int Most = 500;

    public static void MapTrash(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Worker.Trash, List).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.Restore, RestoreAsync).RequireNode(NodePurpose.Control);
    }

    private static IResult List(string? name, KeptTrash kept)
    {
        if (name is null) return TypedResults.Json(new TrashReport(kept.List(null, Most)), WireJson.Default.TrashReport);
        return FileName.TryParse(name, out var wanted, out var why)
            ? TypedResults.Json(new TrashReport(kept.List(wanted, Most)), WireJson.Default.TrashReport)
            : Answers.Refuse(WorkerProblems.Bad(why));
    }

    private static async Task<IResult> RestoreAsync(string version, HttpContext context, UploadStore uploads)
    {
        if (!MovieVersion.TryParse(version, out var wanted)) return Answers.Refuse(WorkerProblems.Bad("A version is a whole number."));
        if (Answers.Body(context, WireJson.Default.RestoreTrash) is not { } request || request.Upload == default) return Answers.Unreadable;
        return Answers.Of(await uploads.RestoreAsync(request.Upload, wanted, context.RequestAborted), WireJson.Default.PreparedReceipt);
    }
}
