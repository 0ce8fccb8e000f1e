using System.ComponentModel;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Repair;
using Mdfs.Master.Status;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>The rebalance under way, or what one would do.</summary>
/// <param name="State"><c>none</c>, <c>running</c> or <c>paused</c>.</param>
/// <param name="Movies">Of which a copy has still to be moved, or would be.</param>
/// <param name="Bytes">That have still to be moved, or would be.</param>
/// <param name="UnavoidableBytes">That must move at least to make all nodes equally full, whatever the plan.</param>
/// <param name="SecondsAtLeast">Time for that at the limit, and at 100 MB/s into each node that takes copies.</param>
/// <param name="BytesPerSecond">The limit over all moves; 0: none.</param>
/// <param name="Running">Copies being moved now.</param>
/// <param name="MoviesMoved">By this rebalance, or by the last one.</param>
/// <param name="Since">When it was begun; absent when there was none.</param>
/// <param name="Ended">How the last one ended: <c>finished</c> or <c>cancelled</c>.</param>
/// <param name="Nodes">Bytes on each node now and at its end.</param>
public sealed record RebalanceFacts(
    string State, int Movies, long Bytes, long UnavoidableBytes, double SecondsAtLeast, long BytesPerSecond, int Running, int MoviesMoved, long BytesMoved, DateTimeOffset? Since, string? Ended,
    IReadOnlyList<RebalanceNodeFacts> Nodes)
{
    /// <summary>Why the one under way begins no further moves at present: a worker is away that may be back soon, for instance. Absent when it does not wait.</summary>
    public string? HeldUp { get; init; }
}

/// <param name="Share">Bytes that it would hold if all were equally full.</param>
public sealed record RebalanceNodeFacts(string Node, string Id, long Before, long After, long Share);

/// <summary>Making all workers equally full.</summary>
public static class RebalanceEndpoints
{
    private const double BytesPerSecond = 100e6;

    public static void MapRebalance(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/rebalance", Look).RequireAdmin().WithTags("Cluster").WithSummary("How far the rebalance has come")
            .WithDescription("When none is under way: what one would do.").Answers(200, "It.", ApiExamples.Rebalance);
        routes.MapPost("/api/rebalance", StartAsync).RequireAdmin().WithTags("Cluster").WithSummary("Make all workers equally full")
            .WithDescription("For instance after one has joined. Copies are moved one by one, each made on the new node before it goes from the old; no more is moved than is unavoidable, and nobody is filled beyond its reserve. Goes on after restarts. Lets a paused one go on. With dryRun=true nothing is changed.")
            .Answers(200, "What it would do; nothing was changed.", ApiExamples.Rebalance).Answers(202, "It is under way.", ApiExamples.Rebalance)
            .Refuses(RateLimit.Bad, FileProblems.ReadOnly);
        routes.MapPost("/api/rebalance/pause", PauseAsync).RequireAdmin().WithTags("Cluster").WithSummary("Pause the rebalance")
            .WithDescription("Moves under way are finished, and no further ones begun until it is started again.").Answers(202, "It pauses.", ApiExamples.Rebalance).Refuses(NotUnderWay, FileProblems.ReadOnly);
        routes.MapDelete("/api/rebalance", CancelAsync).RequireAdmin().WithTags("Cluster").WithSummary("End the rebalance")
            .WithDescription("What was moved stays where it is; copies that are not complete are given up.").Answers(204, "There is none any more.").Refuses(FileProblems.ReadOnly);
    }

    private static Problem NotUnderWay => new(409, "no-rebalance", "No rebalance", "No rebalance is under way.");

    private static IResult Look(Rebalance rebalance, Moves moves, NodeRegistry registry, IOptions<MasterOptions> options) => TypedResults.Ok(Describe(rebalance, moves, registry, options.Value));

    private static async Task<IResult> StartAsync(
        [Description("true: only say what it would do.")] bool? dryRun, [Description("A limit over all moves; 0: none; absent: Mdfs:Master:RebalanceBytesPerSecond.")] string? bytesPerSecond,
        Rebalance rebalance, Moves moves, NodeRegistry registry, IOptions<MasterOptions> options, CancellationToken cancellationToken)
    {
        if (!RateLimit.TryParse(bytesPerSecond, out var limit)) return RateLimit.Bad;
        if (dryRun == true) return TypedResults.Ok(Describe(rebalance, moves, registry, options.Value, limit));
        if (!await rebalance.StartAsync(limit, cancellationToken)) return FileProblems.ReadOnly;
        return TypedResults.Accepted("/api/rebalance", Describe(rebalance, moves, registry, options.Value));
    }

    private static async Task<IResult> PauseAsync(Rebalance rebalance, Moves moves, NodeRegistry registry, IOptions<MasterOptions> options, CancellationToken cancellationToken)
    {
        if (rebalance.Record.State == RebalanceState.None) return NotUnderWay;
        if (!await rebalance.PauseAsync(cancellationToken)) return FileProblems.ReadOnly;
        return TypedResults.Accepted("/api/rebalance", Describe(rebalance, moves, registry, options.Value));
    }

    private static async Task<IResult> CancelAsync(Rebalance rebalance, CancellationToken cancellationToken) =>
        await rebalance.CancelAsync(cancellationToken) ? TypedResults.NoContent() : FileProblems.ReadOnly;

    private static RebalanceFacts Describe(Rebalance rebalance, Moves moves, NodeRegistry registry, MasterOptions options, long? limit = null)
    {
        var (record, plan, underway) = (rebalance.Record, rebalance.Look(), moves.All);
        var rate = limit ?? (record.State == RebalanceState.None ? options.RebalanceBytesPerSecond : record.BytesPerSecond);
        var bytes = plan.Bytes + underway.Sum(move => move.Size);
        var takers = Math.Max(1, plan.Nodes.Count(node => node.After > node.Before));
        var fastest = rate > 0 ? Math.Min(rate, BytesPerSecond * takers) : BytesPerSecond * takers;
        var view = registry.View;
        return new RebalanceFacts(
            record.State.ToString().ToLowerInvariant(), plan.Moves.Count + underway.Count, bytes, plan.Unavoidable, Math.Round(bytes / fastest, 1), rate, underway.Count,
            record.MoviesMoved, record.BytesMoved, record.Since, record.Ended,
            [.. plan.Nodes.Select(node => new RebalanceNodeFacts(view.Find(node.Node)?.RingKey ?? node.Node.Value, node.Node.Value, node.Before, node.After, node.Share)).OrderBy(node => node.Node, StringComparer.Ordinal)])
        {
            HeldUp = rebalance.HeldUp,
        };
    }
}
