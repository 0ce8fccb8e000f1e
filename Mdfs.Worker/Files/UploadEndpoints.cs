using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Replication;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Worker.Files;

/// <summary>The way of a movie onto this node: open, bytes, seal or drop (design, section 4).</summary>
internal static class UploadEndpoints
{
    private const int SendBuffer = 256 * 1024;

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.Worker.Uploads, Open).RequireNode(NodePurpose.Control);
        routes.MapPut(Routes.Worker.Upload, ReceiveAsync).RequireNode(NodePurpose.Data);
        routes.MapPatch(Routes.Worker.Upload, AppendAsync).RequireNode(NodePurpose.Data);
        routes.MapGet(Routes.Worker.Upload, State).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.Join, JoinAsync).RequireNode(NodePurpose.Control);
        routes.MapGet(Routes.Worker.UploadBytes, BytesAsync).RequireNode(NodePurpose.Peer);
        routes.MapPost(Routes.Worker.Complete, CompleteAsync).RequireNode(NodePurpose.Control);
        routes.MapDelete(Routes.Worker.Upload, DropAsync).RequireNode(NodePurpose.Control);
        routes.MapPost(Routes.Worker.Seal, SealAsync).RequireNode(NodePurpose.Control);
    }

    private static IResult Open(HttpContext context, UploadStore uploads, AppendStore appends, DamageDesk damage, DirectoryWatch watch)
    {
        if (Answers.Body(context, WireJson.Default.OpenUpload) is not { } request || request.Upload == default) return Answers.Unreadable;
        if ((watch.Trouble ?? damage.ClosedForWrites) is { } reason) return Answers.Refuse(WorkerProblems.Closed(reason));
        return (request.Appendable ? appends.Open(request) : uploads.Open(request)) is { } refusal ? Answers.Refuse(refusal) : TypedResults.NoContent();
    }

    private static Task<IResult> ReceiveAsync(string upload, HttpContext context, UploadStore uploads, WorkerMetrics metrics, IHostApplicationLifetime lifetime) =>
        TakeBytesAsync(upload, context, lifetime, async (id, leave) =>
        {
            var outcome = await uploads.ReceiveAsync(id, context.Request.Body, context.Request.ContentLength, leave);
            if (outcome.Value is { } receipt) metrics.Received(receipt.Size);
            return Answers.Of(outcome, WireJson.Default.PreparedReceipt);
        });

    private static Task<IResult> AppendAsync(
        string upload, long offset, string checksum, long? size, HttpContext context, AppendStore appends, WorkerMetrics metrics, IHostApplicationLifetime lifetime) =>
        TakeBytesAsync(upload, context, lifetime, async (id, leave) =>
        {
            if (offset < 0 || !Checksum.TryParse(checksum, out var before)) return Answers.Refuse(WorkerProblems.Bad("A piece is appended at an offset, behind bytes of a checksum."));
            var outcome = await appends.AppendAsync(id, offset, before, size, context.NodeToken().Epoch, context.Request.Body, leave);
            if (outcome.Value is { } receipt) metrics.Received(receipt.Offset - offset);
            return Answers.Of(outcome, WireJson.Default.AppendReceipt);
        });

    private static async Task<IResult> TakeBytesAsync(string upload, HttpContext context, IHostApplicationLifetime lifetime, Func<UploadId, CancellationToken, Task<IResult>> take)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        // Movies have no greatest length, and how fast they come is the client's affair; silence is limited in the store.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            return await take(id, leave.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or BadHttpRequestException || context.RequestAborted.IsCancellationRequested)
        {
            // The sender left, fell silent, or the upload was dropped under it: there is nobody to answer, and the connection is of no more use.
            context.Abort();
            return TypedResults.Empty;
        }
    }

    private static IResult State(string upload, AppendStore appends)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        return appends.Find(id) is { } state ? TypedResults.Json(state, WireJson.Default.AppendState) : Answers.Refuse(WorkerProblems.UnknownUpload(id));
    }

    private static async Task<IResult> JoinAsync(string upload, HttpContext context, PartJoin join, IHostApplicationLifetime lifetime)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        if (Answers.Body(context, WireJson.Default.JoinUpload) is not { Size: >= 0, Parts: not null } request) return Answers.Unreadable;
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            return Answers.Of(await join.RunAsync(id, request, leave.Token), WireJson.Default.PreparedReceipt);
        }
        catch (OperationCanceledException)
        {
            // A newer order for the same upload, or for one of its parts, has come.
            context.Abort();
            return TypedResults.Empty;
        }
    }

    private static async Task<IResult> BytesAsync(string upload, long from, long length, HttpContext context, AppendStore appends)
    {
        if (!UploadId.TryParse(upload, out var id) || from < 0 || length < 0) return Answers.Refuse(WorkerProblems.Bad("Bytes of an upload are asked for by its id, from an offset on."));
        using var bytes = appends.TryRead(id, from + length);
        if (bytes is null) return Answers.Refuse(WorkerProblems.UnknownUpload(id));
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        context.Response.ContentLength = length;
        try
        {
            for (var end = from + length; from < end;)
            {
                var memory = context.Response.BodyWriter.GetMemory(SendBuffer);
                var read = await RandomAccess.ReadAsync(bytes, memory[..(int)Math.Min(memory.Length, end - from)], from, context.RequestAborted);
                if (read == 0) throw new EndOfStreamException();
                context.Response.BodyWriter.Advance(read);
                from += read;
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // Never short without saying so.
            context.Abort();
        }

        return TypedResults.Empty;
    }

    private static async Task<IResult> CompleteAsync(string upload, HttpContext context, AppendStore appends)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        if (Answers.Body(context, WireJson.Default.CompleteUpload) is not { Size: >= 0 } request) return Answers.Unreadable;
        try
        {
            return Answers.Of(await appends.CompleteAsync(id, request, context.RequestAborted), WireJson.Default.PreparedReceipt);
        }
        catch (OperationCanceledException)
        {
            // A newer request for the same upload has come.
            context.Abort();
            return TypedResults.Empty;
        }
    }

    private static async Task<IResult> DropAsync(string upload, UploadStore uploads, AppendStore appends)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        await appends.DiscardAsync(id);
        await uploads.DiscardAsync(id);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> SealAsync(string upload, HttpContext context, ReplicaStore store)
    {
        if (!UploadId.TryParse(upload, out var id)) return Answers.Refuse(WorkerProblems.Bad("An upload id is 32 hex digits."));
        if (Answers.Body(context, WireJson.Default.ReplicaDescription) is not { } replica || !Descriptions.IsWhole(replica)) return Answers.Unreadable;
        return Answers.Of(await store.SealAsync(id, replica, context.RequestAborted), WireJson.Default.SealReceipt);
    }
}
