using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>What the master and other workers do with sealed replicas: windows, verification, burial.</summary>
internal static class ReplicaEndpoints
{
    /// <summary>Who may have windows: the master, front ends with its grant, other workers.</summary>
    internal static readonly NodePurpose[] Readers = [NodePurpose.Data, NodePurpose.Window, NodePurpose.Peer];

    public static void MapReplicas(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Worker.Replica, WindowAsync).RequireNode(Readers);
        routes.MapPost(Routes.Worker.Verify, VerifyAsync).RequireNode(NodePurpose.Control);
        routes.MapGet(Routes.Worker.Verify, VerifyProgress).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.Tombstones, BuryAsync).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.BeatNow, BeatNow).RequireNode(NodePurpose.Control);
    }

    private static async Task<IResult> WindowAsync(string version, long from, long length, bool? begun, HttpContext context, WindowFindings replicas, KeptTrash kept, Canary canary, WindowSender sender)
    {
        if (!MovieVersion.TryParse(version, out var wanted)) return Answers.Refuse(WorkerProblems.Bad("A version is a whole number."));
        using var reader = Canary.Is(wanted) ? canary.Open() : replicas.Open(wanted, Purpose(context) == NodePurpose.Peer) ?? (begun == true ? Kept(context, kept, wanted) : null);
        if (reader is null) return Answers.Refuse(WorkerProblems.UnknownReplica(wanted));
        if (from < 0 || length < 0 || from > reader.Size - length) return Answers.Refuse(WorkerProblems.Bad($"The window does not lie within the {reader.Size} bytes of version {wanted}."));
        var sent = await sender.TrySendAsync(context, reader, from, length, response =>
        {
            response.ContentType = "application/octet-stream";
            response.ContentLength = length;
        });
        return sent ? TypedResults.Empty : Answers.Refuse(WorkerProblems.Damaged(wanted));
    }

    // A player whose movie was deleted or overwritten while it played goes on to the end. For players alone, whom the master or a front end serves, and who have begun: no copy is ever made of it, and a master that has
    // not heard of the deletion, since its Redis went back, is given nothing that nobody may read any more.
    private static ReplicaReader? Kept(HttpContext context, KeptTrash kept, MovieVersion version) =>
        Purpose(context) is NodePurpose.Data or NodePurpose.Window ? kept.OpenReader(version) : null;

    private static NodePurpose? Purpose(HttpContext context) => context.Features.Get<NodeToken>()?.Purpose;

    private static async Task<IResult> VerifyAsync(string version, HttpContext context, ReplicaVerifier verifier)
    {
        if (!MovieVersion.TryParse(version, out var wanted)) return Answers.Refuse(WorkerProblems.Bad("A version is a whole number."));
        return await verifier.VerifyAsync(wanted, context.RequestAborted) is { } result
            ? TypedResults.Json(result, WireJson.Default.VerifyResult)
            : Answers.Refuse(WorkerProblems.UnknownReplica(wanted));
    }

    private static IResult VerifyProgress(string version, ReplicaVerifier verifier) =>
        MovieVersion.TryParse(version, out var wanted) && verifier.Progress(wanted) is { } progress
            ? TypedResults.Json(progress, WireJson.Default.VerifyProgress)
            : Answers.Refuse(WorkerProblems.Bad("No such version is being re-read."));

    private static async Task<IResult> BuryAsync(HttpContext context, ReplicaStore store, Inventory inventory, NodeMemory memory, NodeLife life)
    {
        if (Answers.Body(context, WireJson.Default.Tombstone) is not { } tombstone || !Descriptions.IsWhole(tombstone)) return Answers.Unreadable;
        // Not the request's cancellation: a burial that has begun is finished, whether or not its master still listens.
        await store.RememberAsync([tombstone]);
        var removed = await store.RemoveCoveredAsync([tombstone], CancellationToken.None);
        return TypedResults.Json(new TombstoneReceipt(memory.Id, life.Value, inventory.Draw(), removed), WireJson.Default.TombstoneReceipt);
    }

    private static IResult BeatNow(BeatBell bell)
    {
        bell.Ring();
        return TypedResults.Accepted((string?)null);
    }
}
