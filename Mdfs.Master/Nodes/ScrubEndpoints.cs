using System.ComponentModel;
using Mdfs.Master.Cluster;
using Mdfs.Master.Status;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Nodes;

/// <summary>How far a worker has come with re-reading what it holds.</summary>
/// <param name="Node">The worker's name.</param>
/// <param name="State"><c>running</c>, <c>resting</c> (the round is over), <c>paused</c>, <c>stopped</c> (too much damage), or <c>unknown</c> for a silent worker.</param>
/// <param name="Reason">Why it is stopped.</param>
/// <param name="Cycle">Rounds begun.</param>
/// <param name="Done">Bytes re-read in the present round.</param>
/// <param name="Total">Bytes that a round has.</param>
/// <param name="BytesPerSecond">At which it reads now.</param>
/// <param name="SecondsToGo">Until the round is over at this rate; absent when none is running.</param>
/// <param name="OldestSeconds">Since the replica that was re-read longest ago was, or was written.</param>
/// <param name="RotFound">Replicas in which the scrub has found a bad block.</param>
/// <param name="RotHealed">Those that were made whole again.</param>
/// <param name="CanarySeconds">Since planted rot was last found and mended.</param>
public sealed record ScrubFacts(
    string Node, string Id, string State, string? Reason, long Cycle, long Done, long Total, long BytesPerSecond, double? SecondsToGo, double OldestSeconds,
    long RotFound, long RotHealed, double CanarySeconds);

/// <summary>The scrub of all workers: watch, start, pause.</summary>
public static class ScrubEndpoints
{
    public static void MapScrub(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/scrub", List).RequireAdmin().WithTags("Cluster").WithSummary("How far the workers have come with re-reading all they hold")
            .WithDescription("Every worker re-reads all its replicas within Mdfs:Worker:ScrubPeriod (30 days), block by block; bad blocks are healed from other workers.")
            .Answers(200, "The workers, by name.", ApiExamples.Scrub);
        routes.MapPost("/api/scrub/start", StartAsync).RequireAdmin().WithTags("Cluster").WithSummary("Let the scrub go on, or begin a round now")
            .WithDescription("Ends a pause; where the last round is over another one begins at once.")
            .Answers(202, "The workers were told; the list shows when they have done it.").Refuses(NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id), NodeProblems.Silent("worker-1"));
        routes.MapPost("/api/scrub/pause", PauseAsync).RequireAdmin().WithTags("Cluster").WithSummary("Pause the scrub")
            .WithDescription("Until it is started again, also over restarts of the worker. The age of the oldest replica that was not re-read goes on growing.")
            .Answers(202, "The workers were told; the list shows when they have done it.").Refuses(NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id), NodeProblems.Silent("worker-1"));
    }

    private static IResult List(NodeRegistry registry)
    {
        lock (registry.Gate) return TypedResults.Ok(registry.States.OrderBy(state => state.RingKey, StringComparer.Ordinal).Select(Describe).ToList());
    }

    private static Task<IResult> StartAsync([Description("A worker's id; absent: all live workers.")] string? node, NodeRegistry registry, ScrubDesk desk, CancellationToken cancellationToken) =>
        TellAsync(node, ScrubAction.Start, registry, desk, cancellationToken);

    private static Task<IResult> PauseAsync([Description("A worker's id; absent: all live workers.")] string? node, NodeRegistry registry, ScrubDesk desk, CancellationToken cancellationToken) =>
        TellAsync(node, ScrubAction.Pause, registry, desk, cancellationToken);

    private static async Task<IResult> TellAsync(string? node, ScrubAction action, NodeRegistry registry, ScrubDesk desk, CancellationToken cancellationToken)
    {
        IReadOnlyCollection<NodeId> told;
        if (string.IsNullOrEmpty(node))
        {
            told = [.. registry.View.Nodes.Where(one => one.Alive).Select(one => one.Id)];
        }
        else
        {
            if (!NodeId.TryParse(node, out var id) || registry.View.Find(id) is not { } known) return NodeProblems.NoSuchNode(node);
            if (!known.Alive) return NodeProblems.Silent(known.RingKey);
            told = [id];
        }

        await desk.TellAsync(told, action, cancellationToken);
        return TypedResults.Accepted("/api/scrub");
    }

    private static ScrubFacts Describe(NodeState state)
    {
        if (!state.Alive || state.Scrub is not { } scrub) return new ScrubFacts(state.RingKey, state.Id.Value, "unknown", null, 0, 0, 0, 0, null, 0, 0, 0, 0);
        return new ScrubFacts(
            state.RingKey, state.Id.Value, scrub.State.ToString().ToLowerInvariant(), scrub.Reason, scrub.Cycle, scrub.Done, scrub.Total, scrub.Rate,
            scrub.Rate > 0 ? Math.Round((double)(scrub.Total - scrub.Done) / scrub.Rate, 1) : null, scrub.OldestSeconds, scrub.RotFound, scrub.RotHealed, scrub.CanarySeconds);
    }
}
