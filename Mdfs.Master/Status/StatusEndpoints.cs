using System.ComponentModel;
using System.Globalization;
using System.Text.Encodings.Web;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Status;

/// <summary>The classic <c>/stats</c>.</summary>
public sealed record ClassicStats(
    [property: System.Text.Json.Serialization.JsonPropertyName("active_nodes")] int ActiveNodes,
    [property: System.Text.Json.Serialization.JsonPropertyName("total_files")] int TotalFiles,
    [property: System.Text.Json.Serialization.JsonPropertyName("total_checksums")] int TotalChecksums,
    [property: System.Text.Json.Serialization.JsonPropertyName("ring_size")] int RingSize,
    [property: System.Text.Json.Serialization.JsonPropertyName("under_replicated_files")] int UnderReplicatedFiles);

/// <summary>The cluster at a glance, for admins.</summary>
/// <param name="ClusterId">Made once; empty until it is known.</param>
/// <param name="Epoch">The number of the reigning master; 0: it started without Redis and serves reads only.</param>
/// <param name="Age">Cluster age in seconds.</param>
/// <param name="Rebuilding">Why the catalog is being completed from the workers; absent when it is complete.</param>
/// <param name="Redis">How Redis fares, as a sentence.</param>
/// <param name="Durability">What Redis' settings promise, as a sentence.</param>
/// <param name="Writable">Whether uploads and deletions are possible now.</param>
/// <param name="UnderReplicated">Movies that have fewer copies than they should.</param>
/// <param name="Healing">Copies being made, and those still to be made.</param>
public sealed record ClusterFacts(
    string ClusterId, long Epoch, double Age, string? Rebuilding, string Redis, string? Durability, bool Writable,
    int Nodes, int ActiveNodes, int Movies, int Tombstones, int UnderReplicated, HealingFacts Healing,
    long Capacity, long Free, long Used, int ReplicationFactor, int UploadsOpen)
{
    /// <summary>Rises with every change of the catalog under this epoch, those included that change no count: a movie that is overwritten.</summary>
    public long Changes { get; init; }
}

/// <summary>How far healing is.</summary>
/// <param name="Running">Copies that lack and are being made; those that a rebalance moves are not among them.</param>
/// <param name="Waiting">Movies that lack a copy which nobody is making yet.</param>
/// <param name="BytesRemaining">Bytes that both still have to move.</param>
/// <param name="BytesPerSecond">What workers copied from one another lately.</param>
/// <param name="EtaSeconds">When it would be done at that rate; absent while nothing moves.</param>
public sealed record HealingFacts(int Running, int Waiting, long BytesRemaining, long BytesPerSecond, long? EtaSeconds)
{
    /// <summary>Why missing copies wait longer than usual: half of the nodes are silent. Absent when they do not.</summary>
    public string? HeldUp { get; init; }

    public static HealingFacts Of(int running, int waiting, long bytesRemaining, long bytesPerSecond) => new(
        running, waiting, bytesRemaining, bytesPerSecond, bytesRemaining > 0 && bytesPerSecond > 0 ? (bytesRemaining + bytesPerSecond - 1) / bytesPerSecond : null);
}

public static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/stats", Stats).RequireReader().WithTags("Classic").WithSummary("Counts of nodes and movies").WithDescription("What the original's clients poll.")
            .Answers(200, "The counts.", ApiExamples.Stats);
        routes.MapGet("/api/cluster", Cluster).RequireAdmin().WithTags("Cluster").WithSummary("The cluster at a glance").WithDescription("Epoch, Redis and what its settings are worth, rebuilding, counts, healing, space.")
            .Answers(200, "The cluster.", ApiExamples.Cluster);
        routes.MapGet("/api/cluster/history", History).RequireAdmin().WithTags("Cluster").WithSummary("The last hours").WithDescription("Counts and rates for charts: every 10 s for up to an hour, every minute for up to a day. Kept in memory.")
            .Answers(200, "Samples, the oldest first.", ApiExamples.History).Refuses(BadMinutes);
        routes.MapGet("/api/settings", static (MasterSettings settings) => TypedResults.Ok(settings.Facts())).RequireAdmin().WithTags("Cluster").WithSummary("Settings in force")
            .WithDescription("What this master runs with, beside the defaults. Of secrets only whether they are set. Workers keep their own.")
            .Answers(200, "The settings, in groups.", ApiExamples.Settings);
        // Yields to the console where both share a host.
        routes.MapGet("/", Index).Open().ExcludeFromDescription().WithOrder(1);
    }

    private static IResult Stats(NodeRegistry registry, FileCatalog catalog, MasterStatus status) =>
        TypedResults.Json(new ClassicStats(status.ActiveNodes, catalog.Count, catalog.Count, registry.View.Ring.Size, status.UnderReplicated));

    private static IResult Cluster(
        NodeRegistry registry, FileCatalog catalog, CatalogSession session, MasterIdentity identity, ClusterClock clock, RebuildState rebuild,
        Fixer fixer, ClusterHistory history, OpenUploads uploads, MasterStatus status, IOptions<MasterOptions> options)
    {
        // Before all else: what changes meanwhile shows in the next answer.
        var changes = catalog.Changes;
        var nodes = registry.View.Nodes.Where(node => node.Alive).ToList();
        var space = SharedDisks.Space(nodes);
        return TypedResults.Ok(new ClusterFacts(
            identity.ClusterId, identity.Epoch, Math.Round(clock.Age, 1), rebuild.Reason, session.Health.Sentence, session.Health.Durability?.Sentence,
            session.Attached && session.Health.State != StoreState.Unreachable,
            registry.View.Nodes.Length, nodes.Count, catalog.Count, catalog.TombstoneCount, status.UnderReplicated,
            HealingFacts.Of(fixer.Running, fixer.Waiting, fixer.BytesLeft, history.Last?.RepairBytesPerSecond ?? 0) with { HeldUp = fixer.HeldUp },
            space.Capacity, space.Free, space.Used,
            options.Value.ReplicationFactor, uploads.Count)
        {
            Changes = changes,
        });
    }

    private static ServiceDefaults.Problems.Problem BadMinutes => FileProblems.BadParameter($"minutes must be a whole number from 1 to {ClusterHistory.MaxMinutes}.");

    private static IResult History([Description("1 to 1440, default 60.")] string? minutes, ClusterHistory history)
    {
        var wanted = ClusterHistory.DefaultMinutes;
        if (!string.IsNullOrEmpty(minutes) && (!int.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out wanted) || wanted is < 1 or > ClusterHistory.MaxMinutes)) return BadMinutes;
        return TypedResults.Ok(history.Of(wanted));
    }

    /// <summary>A plain page where there is no console: what this is, and where to go on.</summary>
    private static IResult Index(HttpContext context, FileCatalog catalog, MasterStatus status)
    {
        var here = HtmlEncoder.Default.Encode($"{context.Request.Scheme}://{HostNames.Of(context.Request)}");
        var counts = $"{Counted.Of(catalog.Count, "movie", "movies")} on {Counted.Of(status.ActiveNodes, "node", "nodes")}";
        return TypedResults.Content(
            $"""
            <!doctype html>
            <html lang="en"><meta charset="utf-8"><title>MDFS Pro</title>
            <h1>MDFS Pro</h1>
            <p>{counts}.</p>
            <ul>
            <li><a href="/api/files">Movies</a> and their <a href="/api/playlist.m3u8">playlist</a> for VLC, mpv and Kodi</li>
            <li><a href="/openapi/v1.json">The API</a>, <a href="/stats">statistics</a>, <a href="/metrics">metrics</a>, <a href="/health">health</a></li>
            </ul>
            <p>Store a movie: <code>curl -H "Authorization: Bearer KEY" -T movie.mp4 {here}/api/files/</code></p>
            </html>
            """,
            "text/html; charset=utf-8");
    }
}
