using System.ComponentModel;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>A replica that a worker has put aside.</summary>
/// <param name="Node">The worker's name.</param>
/// <param name="NodeId">And its id.</param>
/// <param name="Id">Of this replica in that worker's quarantine.</param>
/// <param name="Reason">Why it was put aside.</param>
/// <param name="Since">By the worker's clock.</param>
/// <param name="Size">Bytes that lie there.</param>
/// <param name="Name">What it was called; this and what follows is absent when nothing says what the bytes are.</param>
/// <param name="Version">Of the bytes; adopted they get a new one.</param>
/// <param name="Free">Whether no movie has the name now, so that it can be adopted as it is.</param>
public sealed record QuarantineFacts(
    string Node, string NodeId, string Id, string Reason, DateTimeOffset Since, long Size, string? Name, long? Version, string? Checksum, DateTimeOffset? CommittedAt, bool? Free);

/// <summary>What nobody may serve, count or delete before an admin has judged.</summary>
public static class QuarantineEndpoints
{
    private const string Node = "The worker's id, as the list says.";
    private const string Id = "The replica's id in that worker's quarantine, as the list says.";

    public static void MapQuarantine(this IEndpointRouteBuilder routes)
    {
        var (nobody, nothing, silent, failed) =
            (NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id), QuarantineProblems.NotThere(ApiExamples.Quarantine[0].Id), NodeProblems.Silent("worker-1"), QuarantineProblems.NodeFailed("worker-1"));
        routes.MapGet("/api/quarantine", ListAsync).RequireAdmin().WithTags("Cluster").WithSummary("Replicas that were put aside")
            .WithDescription("Neither served nor counted nor deleted: from a worker that was away longer than deletions are remembered, of another cluster, or with other bytes than were committed. The latest first, at most 500 of each live worker.")
            .Answers(200, "What live workers have in quarantine.", ApiExamples.Quarantine);
        routes.MapPost("/api/quarantine/{node}/{id}/adopt", AdoptAsync).RequireAdmin().WithTags("Cluster").WithSummary("Make a movie of a replica in quarantine")
            .WithDescription("Its bytes are read whole and stored under a new version, with no copying; only then they leave the quarantine. Further copies are made by themselves. Only while no other movie has the name.")
            .Answers(201, "It is a movie, with so many copies.", ApiExamples.Stored)
            .Refuses(
                FileProblems.BadName("The name must not contain '/' or '\\'."), QuarantineProblems.Nameless, nobody, nothing, silent, QuarantineProblems.Damaged(ApiExamples.Quarantine[0].Id),
                QuarantineProblems.NameTaken(ApiExamples.Name, new MovieVersion(ApiExamples.File.Version)), failed, FileProblems.ReadOnly, FileProblems.OutcomeUnknown, FileProblems.NotSealed, FileProblems.Rebuilding);
        routes.MapDelete("/api/quarantine/{node}/{id}", PurgeAsync).RequireAdmin().WithTags("Cluster").WithSummary("Remove a replica in quarantine for good")
            .WithDescription("It does not go to the trash: these bytes cannot be brought back.")
            .Answers(204, "It is gone.").Refuses(nobody, nothing, silent, failed);
    }

    private static async Task<IResult> ListAsync(QuarantinedReplicas quarantine, FileCatalog catalog, CancellationToken cancellationToken) =>
        TypedResults.Ok((await quarantine.ListAsync(cancellationToken)).Select(pair => Describe(pair.Node, pair.Replica, catalog)).ToList());

    private static async Task<IResult> AdoptAsync(
        [Description(Node)] string node, [Description(Id)] string id, [Description("What it shall be called; absent: as it was.")] string? name,
        NodeRegistry registry, QuarantinedReplicas quarantine, IOptions<MasterOptions> options, CancellationToken cancellationToken)
    {
        if (Find(node, registry, out var holder) is { } refused) return refused;
        FileName? wanted = null;
        if (!string.IsNullOrEmpty(name))
        {
            if (!options.Value.Names.TryAccept(name, out var accepted, out var why)) return FileProblems.BadName(why);
            wanted = accepted;
        }

        return await quarantine.AdoptAsync(holder!, id, wanted, cancellationToken) switch
        {
            StoreResult.Stored { Entry: var entry, Copies: var copies } => TypedResults.Created(
                $"/api/files/{Uri.EscapeDataString(entry.Name.Value)}", StoredFacts.Of(entry, copies, options.Value.ReplicationFactor)),
            StoreResult.Refused refusal => refusal.Problem,
            _ => FileProblems.BrokenOff,
        };
    }

    private static async Task<IResult> PurgeAsync([Description(Node)] string node, [Description(Id)] string id, NodeRegistry registry, QuarantinedReplicas quarantine, CancellationToken cancellationToken)
    {
        if (Find(node, registry, out var holder) is { } refused) return refused;
        return await quarantine.PurgeAsync(holder!, id, cancellationToken) is { } problem ? problem : TypedResults.NoContent();
    }

    private static Problem? Find(string node, NodeRegistry registry, out NodeView? holder)
    {
        holder = NodeId.TryParse(node, out var id) ? registry.View.Find(id) : null;
        if (holder is null) return NodeProblems.NoSuchNode(node);
        return holder.Alive ? null : NodeProblems.Silent(holder.RingKey);
    }

    private static QuarantineFacts Describe(NodeView node, QuarantinedReplica one, FileCatalog catalog) => new(
        node.RingKey, node.Id.Value, one.Id, one.Reason, one.PutAt, one.Size,
        one.Replica?.Name.Value, one.Replica?.Version.Number, one.Replica?.Checksum.ToString(), one.Replica?.CommittedAt, one.Replica is { } replica ? catalog.Find(replica.Name) is null : null);
}
