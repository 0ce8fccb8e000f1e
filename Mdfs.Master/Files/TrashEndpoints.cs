using System.ComponentModel;
using Mdfs.Master.Catalog;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>A deleted or overwritten movie that can still be brought back.</summary>
/// <param name="Version">Of the bytes; brought back they get a new one.</param>
/// <param name="Copies">Live workers that still have them.</param>
/// <param name="Free">Whether no movie has the name now, so that it can be brought back as it is.</param>
public sealed record TrashFacts(string Name, long Version, long Size, string Checksum, DateTimeOffset CommittedAt, DateTimeOffset RemovedAt, int Copies, bool Free);

/// <summary>What was deleted, and the way back.</summary>
public static class TrashEndpoints
{
    public static void MapTrash(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/trash", ListAsync).RequireAdmin().WithTags("Movies").WithSummary("Deleted movies that can be brought back")
            .WithDescription("Workers keep what was deleted or overwritten for Mdfs:Worker:TrashRetention (24 h), or until its room is needed. The latest first, at most 500 of each worker.")
            .Answers(200, "What live workers still have.", ApiExamples.Trash);
        routes.MapPost("/api/files/{name}/undelete", UndeleteAsync).RequireAdmin().WithTags("Movies").WithSummary("Bring a deleted movie back")
            .WithDescription("Its bytes are re-read and stored again under a new version, with no copying. Only while no other movie has the name.")
            .Answers(201, "It is back, with so many copies.", ApiExamples.Stored)
            .Refuses(
                FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.NotInTrash(ApiExamples.Name), FileProblems.NameTaken(ApiExamples.Name, new MovieVersion(ApiExamples.File.Version)),
                FileProblems.ReadOnly, FileProblems.OutcomeUnknown, FileProblems.NotSealed, FileProblems.Rebuilding);
    }

    private static async Task<IResult> ListAsync(UndeleteFile undelete, FileCatalog catalog, CancellationToken cancellationToken) => TypedResults.Ok(
        (await undelete.ListAsync(null, cancellationToken)).Select(movie => new TrashFacts(
            movie.Replica.Name.Value, movie.Replica.Version.Number, movie.Replica.Size, movie.Replica.Checksum.ToString(), movie.Replica.CommittedAt, movie.RemovedAt, movie.Nodes.Count,
            catalog.Find(movie.Replica.Name) is null)).ToList());

    private static async Task<IResult> UndeleteAsync(
        HttpContext context, [Description(FileEndpoints.Name)] string name, [Description("Of the version to bring back; absent: the latest of that name.")] long? version,
        UndeleteFile undelete, IOptions<MasterOptions> options)
    {
        if (!FileName.TryParse(RouteName.Of(context, name), out var parsed, out var why)) return FileProblems.BadName(why);
        switch (await undelete.RunAsync(parsed, version is { } number ? new MovieVersion(number) : null, context.RequestAborted))
        {
            case StoreResult.Stored stored:
                var entry = stored.Entry;
                context.Response.Headers.ETag = entry.Version.ETag;
                return TypedResults.Created(
                    $"/api/files/{Uri.EscapeDataString(entry.Name.Value)}",
                    StoredFacts.Of(entry, stored.Copies, options.Value.ReplicationFactor));
            case StoreResult.Refused refused:
                return refused.Problem;
            default:
                return FileProblems.BrokenOff;
        }
    }
}
