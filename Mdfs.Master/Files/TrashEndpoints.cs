using System.ComponentModel;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>A deleted or overwritten movie that can still be brought back.</summary>
/// <param name="Version">Of the bytes; brought back they get a new one.</param>
/// <param name="Copies">Live workers that still have them.</param>
/// <param name="Free">Whether no movie has the name now, so that it can be brought back as it is.</param>
public sealed record TrashFacts(string Name, long Version, long Size, string Checksum, DateTimeOffset CommittedAt, DateTimeOffset RemovedAt, int Copies, bool Free)
{
    /// <summary>It was overwritten a while ago (<c>SupersededGrace</c>, an hour) at most, and is not in the trash yet: its room is not free. It comes there by itself, or with the deletion of its name.</summary>
    public bool Superseded { get; init; }
}

/// <summary>What was deleted, and the way back.</summary>
public static class TrashEndpoints
{
    public static void MapTrash(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/trash", ListAsync).RequireAdmin().WithTags("Movies").WithSummary("Deleted movies that can be brought back")
            .WithDescription("Workers keep what was deleted or overwritten for Mdfs:Worker:TrashRetention (24 h), or until its room is needed. What was overwritten lies beside the new version for an hour first (Mdfs:Master:SupersededGrace), and is listed as superseded; its room is not free before. The latest first, at most 500 of each worker.")
            .Answers(200, "What live workers still have.", ApiExamples.Trash);
        routes.MapPost("/api/files/{name}/undelete", UndeleteAsync).RequireAdmin().WithTags("Movies").WithSummary("Bring a deleted movie back")
            .WithDescription("Its bytes are re-read and stored again under a new version, with no copying. Only while no other movie has the name.")
            .Answers(201, "It is back, with so many copies.", ApiExamples.Stored)
            .Refuses(
                FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.NotInTrash(ApiExamples.Name), FileProblems.NameTaken(ApiExamples.Name, new MovieVersion(ApiExamples.File.Version)),
                FileProblems.ReadOnly, FileProblems.OutcomeUnknown, FileProblems.NotSealed, FileProblems.Rebuilding);
    }

    private static async Task<IResult> ListAsync(UndeleteFile undelete, NodeRegistry registry, FileCatalog catalog, MasterIdentity identity, CancellationToken cancellationToken)
    {
        // Before the workers are asked: what goes into their trash between the two questions would else be in neither answer.
        var superseded = SupersededVersion.List(registry, catalog, identity).Select(one => Describe(one.Replica, one.By.Replica.CommittedAt, one.Copies, catalog) with { Superseded = true });
        var trashed = (await undelete.ListAsync(null, cancellationToken)).Select(movie => Describe(movie.Replica, movie.RemovedAt, movie.Nodes.Count, catalog));
        return TypedResults.Ok(trashed.Concat(superseded).DistinctBy(one => one.Version).OrderByDescending(one => one.RemovedAt).ToList());
    }

    private static TrashFacts Describe(ReplicaDescription replica, DateTimeOffset removedAt, int copies, FileCatalog catalog) => new(
        replica.Name.Value, replica.Version.Number, replica.Size, replica.Checksum.ToString(), replica.CommittedAt, removedAt, copies, catalog.Find(replica.Name) is null);

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
