using System.ComponentModel;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Status;
using Mdfs.Protocol;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Nodes;

/// <summary>A worker, as an admin sees it.</summary>
/// <param name="Id">Kept in the node's data directory.</param>
/// <param name="Name">Its configured name, else its address: what its place on the ring is hashed from.</param>
/// <param name="Address">Where other nodes reach it.</param>
/// <param name="State"><c>alive</c>, <c>silent</c>, <c>stopped</c> (silent after it said goodbye), <c>maintenance</c> (silent, and nothing is copied in its place), <c>failed</c> (its data directory cannot be written or is gone: its copies do not count), <c>registering</c> (its inventory has not come whole) or <c>draining</c>.</param>
/// <param name="ClosedForWrites">Why it takes no new copies; absent when it does.</param>
/// <param name="Capacity">Bytes that it can hold for MDFS.</param>
/// <param name="Free">Bytes free beyond its reserve.</param>
/// <param name="Used">Bytes of its replicas.</param>
/// <param name="Replicas">Replicas it has reported.</param>
/// <param name="Streams">Windows it is sending; 0 while it is silent.</param>
/// <param name="Pulls">Copies it is making; 0 while it is silent.</param>
/// <param name="SecondsSinceBeat">Since it was last heard; absent if never since the master started.</param>
public sealed record NodeFacts(
    string Id, string Name, string Address, string? PublicUrl, string? Zone, string State, string? ClosedForWrites,
    long Capacity, long Free, long Used, int Replicas, int Streams, int Pulls, double? SecondsSinceBeat)
{
    /// <summary>The version of its program. This and what follows is absent of a node that does not tell, or has not been heard since the master started.</summary>
    public string? Version { get; init; }

    /// <summary>The version of the protocol between nodes that it speaks. Another one than the master's is no fault: an upgrade is under way.</summary>
    public int? Protocol { get; init; }

    /// <summary>What that means, when it is another one.</summary>
    public string? VersionRemark { get; init; }

    /// <summary>Operating system and architecture.</summary>
    public string? System { get; init; }

    public int? Processors { get; init; }

    /// <summary>Since its process started.</summary>
    public double? UptimeSeconds { get; init; }

    /// <summary>Random per start: tells one run from another.</summary>
    public string? Life { get; init; }

    /// <summary>Bytes of the file system that its data directory lies on.</summary>
    public long? DiskTotal { get; init; }

    /// <summary>Bytes free on it, its reserve included.</summary>
    public long? DiskFree { get; init; }

    /// <summary>Bytes of memory of its process.</summary>
    public long? MemoryUsed { get; init; }

    /// <summary>Whether movies that arrive, copies and scrubs go past its page cache. Absent until it has tried.</summary>
    public bool? DirectIo { get; init; }

    /// <summary>Bytes reserved by uploads and pulls under way.</summary>
    public long InFlight { get; init; }

    /// <summary>Damaged replicas it has reported and not yet healed.</summary>
    public int Damaged { get; init; }

    /// <summary>Seconds by which its clock is ahead of the master's. Nothing depends on it.</summary>
    public double? ClockSkewSeconds { get; init; }

    /// <summary>Seconds for which it may still be away without anything being copied in its place; absent when it is not in maintenance.</summary>
    public double? MaintenanceSecondsLeft { get; init; }

    /// <summary>Replicas in its quarantine (<c>GET /api/quarantine</c>).</summary>
    public int Quarantined { get; init; }

    /// <summary>Copies under way: bytes that lie there, and bytes in all.</summary>
    public long PulledBytes { get; init; }

    public long PullBytes { get; init; }
}

/// <summary>A worker that beats and may not take part.</summary>
/// <param name="Reason">Why, and what to do.</param>
/// <param name="Replaces">The id of the silent node whose name it has: by confirming, that one is forgotten and this one let in. Absent: there is nothing to confirm.</param>
public sealed record RefusedFacts(string Id, string Name, string Address, string Reason, string? Replaces, double SecondsSinceBeat);

/// <summary>A deletion that is still remembered.</summary>
/// <param name="Bound">Every version up to this number is deleted.</param>
/// <param name="ClusterAge">Seconds of cluster age at the deletion; retention counts from there.</param>
public sealed record TombstoneFacts(string Name, long Bound, DateTimeOffset DeletedAt, double ClusterAge);

/// <summary>Nodes and deletions, for admins.</summary>
public static class NodeEndpoints
{
    private const int MaxTombstones = 1000;

    public static void MapNodes(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/nodes", List).RequireAdmin().WithTags("Cluster").WithSummary("All known workers").WithDescription("Silent ones too, until they are removed.")
            .Answers(200, "The workers, by name.", ApiExamples.Nodes);
        routes.MapDelete("/api/nodes/{id}", RemoveAsync).RequireAdmin().WithTags("Cluster")
            .WithSummary("Forget a silent worker").WithDescription("Only a node that does not beat. If it holds the last copy of something, force=true is needed; should it come back, it registers anew.")
            .Answers(204, "Forgotten.")
            .Refuses(NodeProblems.NoSuchNode(ApiExamples.Nodes[0].Id), NodeProblems.StillAlive("worker-1"), NodeProblems.HoldsLastCopies("worker-1", 3), FileProblems.ReadOnly);
        routes.MapGet("/api/nodes/refused", Refused).RequireAdmin().WithTags("Cluster").WithSummary("Workers that beat and may not take part")
            .WithDescription("Each with the reason and what to do: of another cluster, a copied data directory, a name that another has, or an empty data directory under a known name.")
            .Answers(200, "Those that beat, by name.", ApiExamples.Refused);
        routes.MapPost("/api/nodes/{id}/confirm", ConfirmAsync).RequireAdmin().WithTags("Cluster").WithSummary("Let a refused worker take the place of the one that had its name")
            .WithDescription("The former node is forgotten. If it holds the last copy of something, force=true is needed.")
            .Answers(204, "The former one is forgotten; the new one joins with its next beat.")
            .Refuses(NodeProblems.NotRefused(ApiExamples.Nodes[0].Id), NodeProblems.StillAlive("worker-1"), NodeProblems.HoldsLastCopies("worker-1", 3), FileProblems.ReadOnly);
        routes.MapGet("/api/tombstones", Tombstones).RequireAdmin().WithTags("Cluster").WithSummary("Deletions still remembered").WithDescription("The latest first, at most 1000.")
            .Answers(200, "The deletions.", ApiExamples.Tombstones);
    }

    private static IResult List(NodeRegistry registry, ClusterClock clock, TimeProvider time)
    {
        lock (registry.Gate)
        {
            return TypedResults.Ok(registry.States.OrderBy(state => state.RingKey, StringComparer.Ordinal).Select(state => Describe(state, clock.Age, time)).ToList());
        }
    }

    private static NodeFacts Describe(NodeState state, double age, TimeProvider time) => new(
        state.Id.Value, state.RingKey, state.Address, state.PublicUrl, state.Zone,
        !state.Alive ? state.MaintenanceUntil is not null ? "maintenance" : state.Stopped ? "stopped" : "silent" : state.Failed is not null ? "failed" : !state.Inventory.Complete ? "registering" : state.Draining ? "draining" : "alive",
        state.ClosedForWrites, state.Space.Capacity, state.Space.Free, state.Space.Used, state.Inventory.Count, state.Alive ? state.Streams : 0, state.Alive ? state.Pulls.Count : 0,
        state.Life is null ? null : Math.Round(time.GetElapsedTime(state.LastBeat).TotalSeconds, 1))
    {
        Version = state.About?.Version,
        Protocol = state.Life is null ? null : WireVersion.Of(state.Protocol),
        VersionRemark = state.Life is null ? null : WireVersion.Remark($"Node {state.RingKey}", state.Protocol),
        System = state.About?.System,
        Processors = state.About?.Processors,
        UptimeSeconds = state.About is { } about ? Math.Round(about.UptimeSeconds + (state.Alive ? time.GetElapsedTime(state.LastBeat).TotalSeconds : 0), 1) : null,
        Life = state.Life,
        DiskTotal = state.About?.DiskTotal,
        DiskFree = state.About?.DiskFree,
        MemoryUsed = state.About?.MemoryUsed,
        DirectIo = state.About?.DirectIo,
        InFlight = state.Space.InFlight,
        Damaged = state.Inventory.Damaged,
        ClockSkewSeconds = state.ClockSkew is { } skew ? Math.Round(skew, 1) + 0.0 : null,
        MaintenanceSecondsLeft = state.MaintenanceUntil is { } until ? Math.Round(Math.Max(0, until - age), 1) : null,
        Quarantined = state.Quarantined ?? 0,
        PulledBytes = state.Alive ? state.Pulls.Sum(pull => pull.Done) : 0,
        PullBytes = state.Alive ? state.Pulls.Sum(pull => pull.Size) : 0,
    };

    private static IResult Refused(RefusedNodes refusals, TimeProvider time) => TypedResults.Ok(refusals.All
        .Select(node => new RefusedFacts(node.Id.Value, node.Name, node.Address, node.Reason, node.Replaces?.Value, Math.Round(time.GetElapsedTime(node.LastBeat).TotalSeconds, 1))).ToList());

    private static Task<IResult> ConfirmAsync(
        [Description("The refused worker's id.")] string id, [Description("true: also when last copies are lost with the former one.")] bool? force,
        RefusedNodes refusals, ForgetNode forget, CancellationToken cancellationToken) =>
        refusals.All.FirstOrDefault(node => node.Id.Value == id) is { Replaces: { } former }
            ? RemoveAsync(former.Value, force, forget, cancellationToken)
            : Task.FromResult<IResult>(NodeProblems.NotRefused(id));

    private static async Task<IResult> RemoveAsync(
        [Description("The node's id, as the list of workers says.")] string id, [Description("true: also when last copies are lost with it.")] bool? force, ForgetNode forget, CancellationToken cancellationToken) =>
        !NodeId.TryParse(id, out var node) ? NodeProblems.NoSuchNode(id) : await forget.RunAsync(node, force == true, cancellationToken) is { } refused ? refused : TypedResults.NoContent();

    private static IResult Tombstones(FileCatalog catalog) =>
        TypedResults.Ok(catalog.Tombstones.OrderByDescending(tombstone => tombstone.Bound).Take(MaxTombstones)
            .Select(tombstone => new TombstoneFacts(tombstone.Name.Value, tombstone.Bound.Number, tombstone.DeletedAt, Math.Round(tombstone.ClusterAge, 1))).ToList());
}

/// <summary>Refusals of the node routes.</summary>
public static class NodeProblems
{
    public static Problem NoSuchNode(string id) => new Problem(404, "no-such-node", "No such node", "No node with this id is known. GET /api/nodes lists them.").With("id", id);

    public static Problem NotRefused(string id) => new Problem(
        404, "not-refused", "Nothing to confirm", "No worker of this id waits to take another one's place. GET /api/nodes/refused lists those that are refused, and why.").With("id", id);

    public static Problem StillAlive(string name) => new(
        409, "node-alive", "Node is alive", $"Node '{name}' is beating. Stop it first; a node that beats would register again at once.");

    public static Problem Silent(string name) => new(409, "node-silent", "Node is silent", $"Node '{name}' does not beat, so it cannot be told anything. Start it first.");

    public static Problem NotDraining(string name) => new(409, "not-draining", "Not being drained", $"Node '{name}' is not being drained.");

    public static Problem TooFewLeft(string name, int missed) => new Problem(
        409, "too-few-left", "Too few nodes would be left",
        $"Without node '{name}' there are too few nodes: every movie would have {Counted.Of(missed, "copy", "copies")} less than it should. Add a worker first, or repeat with force=true.").With("missed", missed);

    public static Problem NoRoomElsewhere(string name, int movies) => new Problem(
        409, "no-room-elsewhere", "No room elsewhere", $"For {Counted.Of(movies, "movie", "movies")} on node '{name}' no other node has room. Add a worker first, or repeat with force=true; what finds no room stays on it.")
        .With("movies", movies);

    public static Problem HoldsLastCopies(string name, int movies) => new Problem(
        409, "last-copies", "Node holds last copies",
        $"Node '{name}' holds a copy of {Counted.Of(movies, "movie", "movies")} of which no node that is alive has another whole one. Bring it back, or repeat with force=true to give that up.").With("movies", movies);
}
