using System.ComponentModel;
using System.Globalization;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Status;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Nodes;

/// <summary>A worker that may be away for a while.</summary>
/// <param name="SecondsLeft">For which nothing is copied in its place.</param>
/// <param name="Unreadable">Movies that cannot be read while it is away, since no other live worker has a copy.</param>
public sealed record MaintenanceFacts(string Node, string Id, double SecondsLeft, int Unreadable);

/// <summary>Telling the cluster that a worker will be away for a while.</summary>
public static class MaintenanceEndpoints
{
    private const long DefaultSeconds = 1800;
    private const long MaxSeconds = 7 * 86400;
    private const string Id = "The node's id, as the list of workers says.";

    public static void MapMaintenance(this IEndpointRouteBuilder routes)
    {
        var nobody = NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id);
        routes.MapPost("/api/nodes/{id}/maintenance", BeginAsync).RequireAdmin().WithTags("Cluster").WithSummary("Say that a worker will be away for a while")
            .WithDescription("Within that time nothing is copied in its place, however often it goes and comes; everything else is healed as ever. A worker that is stopped in an orderly way says so by itself (Mdfs:Worker:StopsFor). Given again it begins anew.")
            .Answers(202, "It may be away.", ApiExamples.Maintenance).Refuses(nobody, BadSeconds, FileProblems.ReadOnly);
        routes.MapDelete("/api/nodes/{id}/maintenance", EndAsync).RequireAdmin().WithTags("Cluster").WithSummary("End the maintenance of a worker")
            .WithDescription("If it is still away, its copies are made elsewhere at once. Also ends what a worker has said by itself.").Answers(204, "It is over.").Refuses(nobody, FileProblems.ReadOnly);
    }

    private static Problem BadSeconds => FileProblems.BadParameter($"seconds must be a whole number from 1 to {MaxSeconds}.");

    private static async Task<IResult> BeginAsync(
        [Description(Id)] string id, [Description("For how long: 1 to 604800, default 1800.")] string? seconds, NodeRegistry registry, Maintenance maintenance, CancellationToken cancellationToken)
    {
        var length = DefaultSeconds;
        if (!string.IsNullOrEmpty(seconds) && (!long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length is < 1 or > MaxSeconds)) return BadSeconds;
        if (!NodeId.TryParse(id, out var node) || registry.View.Find(node) is not { } known) return NodeProblems.NoSuchNode(id);
        if (!await maintenance.SetAsync(node, TimeSpan.FromSeconds(length), cancellationToken)) return FileProblems.ReadOnly;
        return TypedResults.Accepted("/api/nodes", new MaintenanceFacts(known.RingKey, id, length, maintenance.Unreadable(node)));
    }

    private static async Task<IResult> EndAsync([Description(Id)] string id, NodeRegistry registry, Maintenance maintenance, CancellationToken cancellationToken)
    {
        if (!NodeId.TryParse(id, out var node) || registry.View.Find(node) is null) return NodeProblems.NoSuchNode(id);
        return await maintenance.SetAsync(node, null, cancellationToken) ? TypedResults.NoContent() : FileProblems.ReadOnly;
    }
}
