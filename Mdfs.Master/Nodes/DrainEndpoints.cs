using System.ComponentModel;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Repair;
using Mdfs.Master.Status;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Nodes;

/// <summary>The drain of a node, or what one would cost.</summary>
/// <param name="State"><c>none</c> (not drained), <c>draining</c>, <c>paused</c>, or <c>drained</c>: every movie has its copies elsewhere, by what the node itself has told since it and the master started, and it may leave.</param>
/// <param name="Movies">Movies of which a copy has still to be made elsewhere.</param>
/// <param name="Bytes">That have still to be copied.</param>
/// <param name="SecondsAtLeast">Time for that at the limit, and at 100 MB/s into each node that takes copies: no disk that is common is faster over hours.</param>
/// <param name="WithoutRoom">Movies for which no other node has room.</param>
/// <param name="Replicas">Replicas that the node still holds; they go, one after the other, once enough others stand.</param>
/// <param name="BytesPerSecond">The limit over all its copies; 0: none.</param>
public sealed record DrainFacts(string Node, string Id, string State, int Movies, long Bytes, double SecondsAtLeast, int WithoutRoom, int Replicas, long BytesPerSecond);

/// <summary>Emptying a worker before it leaves.</summary>
public static class DrainEndpoints
{
    private const double BytesPerSecond = 100e6;
    private const string Id = "The node's id, as the list of workers says.";

    public static void MapDrains(this IEndpointRouteBuilder routes)
    {
        var nobody = NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id);
        routes.MapGet("/api/nodes/{id}/drain", Look).RequireAdmin().WithTags("Cluster").WithSummary("How far the drain of a worker has come")
            .WithDescription("For a worker that is not drained: what a drain would have to do.")
            .Answers(200, "Its drain.", ApiExamples.Drain).Refuses(nobody);
        routes.MapPost("/api/nodes/{id}/drain", BeginAsync).RequireAdmin().WithTags("Cluster").WithSummary("Drain a worker")
            .WithDescription("Its copies are made elsewhere first, then they go from it; it is read from until then and gets no new ones. Kept over restarts of everybody. Lets a paused one go on. With dryRun=true nothing is changed.")
            .Answers(200, "What it would have to do; nothing was changed.", ApiExamples.Drain).Answers(202, "It is being drained.", ApiExamples.Drain)
            .Refuses(nobody, RateLimit.Bad, NodeProblems.TooFewLeft("worker-1", 1), NodeProblems.NoRoomElsewhere("worker-1", 3), FileProblems.ReadOnly);
        routes.MapPost("/api/nodes/{id}/drain/pause", PauseAsync).RequireAdmin().WithTags("Cluster").WithSummary("Pause the drain of a worker")
            .WithDescription("Copies under way are finished and no further ones begun until it is drained again; it still gets no new movies.")
            .Answers(202, "It pauses.", ApiExamples.Drain).Refuses(nobody, NodeProblems.NotDraining("worker-1"), FileProblems.ReadOnly);
        routes.MapDelete("/api/nodes/{id}/drain", EndAsync).RequireAdmin().WithTags("Cluster").WithSummary("Take a drain back")
            .WithDescription("The worker counts again and gets new copies; what was copied meanwhile becomes surplus and is trimmed.")
            .Answers(204, "It is not drained any more.").Refuses(nobody, FileProblems.ReadOnly);
    }

    private static IResult Look([Description(Id)] string id, NodeRegistry registry, Drains drains) =>
        Find(id, registry, out var node) is { } missing ? missing : TypedResults.Ok(Describe(node!, registry, drains));

    private static async Task<IResult> BeginAsync(
        [Description(Id)] string id, [Description("true: only say what it would have to do.")] bool? dryRun,
        [Description("true: also when movies would have fewer copies than they should, or not all find room elsewhere; those stay where they are.")] bool? force,
        [Description("A limit over all its copies; 0: none; absent: as it was before, and none at first. Copies of movies that lack one also without the drain are not slowed down.")] string? bytesPerSecond,
        NodeRegistry registry, Drains drains, CancellationToken cancellationToken)
    {
        if (Find(id, registry, out var node) is { } missing) return missing;
        if (!RateLimit.TryParse(bytesPerSecond, out var limit)) return RateLimit.Bad;
        if (dryRun == true) return TypedResults.Ok(Describe(node!, registry, drains, limit));
        if (!node!.Draining && force != true)
        {
            var plan = drains.Look(node.Id);
            if (plan.Missed > 0) return NodeProblems.TooFewLeft(node.RingKey, plan.Missed);
            if (plan.WithoutRoom > 0) return NodeProblems.NoRoomElsewhere(node.RingKey, plan.WithoutRoom);
        }

        if (!await drains.SetAsync(node.Id, true, cancellationToken, bytesPerSecond: limit)) return FileProblems.ReadOnly;
        return registry.View.Find(node.Id) is { } now ? TypedResults.Accepted($"/api/nodes/{id}/drain", Describe(now, registry, drains)) : NodeProblems.NoSuchNode(id);
    }

    private static async Task<IResult> PauseAsync([Description(Id)] string id, NodeRegistry registry, Drains drains, CancellationToken cancellationToken)
    {
        if (Find(id, registry, out var node) is { } missing) return missing;
        if (!node!.Draining) return NodeProblems.NotDraining(node.RingKey);
        if (!await drains.SetAsync(node.Id, true, cancellationToken, paused: true)) return FileProblems.ReadOnly;
        return registry.View.Find(node.Id) is { } now ? TypedResults.Accepted($"/api/nodes/{id}/drain", Describe(now, registry, drains)) : NodeProblems.NoSuchNode(id);
    }

    private static async Task<IResult> EndAsync([Description(Id)] string id, NodeRegistry registry, Drains drains, CancellationToken cancellationToken)
    {
        if (Find(id, registry, out var node) is { } missing) return missing;
        return await drains.SetAsync(node!.Id, false, cancellationToken) ? TypedResults.NoContent() : FileProblems.ReadOnly;
    }

    private static Problem? Find(string id, NodeRegistry registry, out NodeView? node)
    {
        node = NodeId.TryParse(id, out var parsed) ? registry.View.Find(parsed) : null;
        return node is null ? NodeProblems.NoSuchNode(id) : null;
    }

    private static DrainFacts Describe(NodeView node, NodeRegistry registry, Drains drains, long? limit = null)
    {
        var plan = drains.Look(node.Id);
        var takers = Math.Max(1, registry.View.Nodes.Count(other => other.Id != node.Id && other is { Alive: true, Draining: false, ClosedForWrites: null }));
        var rate = limit ?? node.DrainBytesPerSecond;
        var fastest = rate > 0 ? Math.Min(rate, BytesPerSecond * takers) : BytesPerSecond * takers;
        int replicas;
        lock (registry.Gate) replicas = registry.Find(node.Id)?.Inventory.Count ?? 0;
        return new DrainFacts(
            node.RingKey, node.Id.Value, !node.Draining ? "none" : drains.IsDone(node.Id, plan) ? "drained" : node.DrainPaused ? "paused" : "draining",
            plan.Movies, plan.Bytes, Math.Round(plan.Bytes / fastest, 1), plan.WithoutRoom, replicas, rate);
    }
}
