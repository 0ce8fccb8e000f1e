using System.Text.Json.Serialization;

namespace Mdfs.Master.Events;

/// <summary>Something that happened, as an admin wants to read it later. Never a key, never a query.</summary>
/// <param name="Id">Rises; a later entry has a higher one.</param>
/// <param name="At">By the master's clock.</param>
/// <param name="Kind">One of <see cref="ActivityKinds"/>.</param>
/// <param name="Name">The movie, if it is about one.</param>
/// <param name="Node">The node's name, if it is about one.</param>
/// <param name="Actor">The address of who asked for it, or what the console says.</param>
/// <param name="Detail">A sentence part in English.</param>
/// <param name="Size">Bytes of the movie, or of all movies of the entry.</param>
/// <param name="Count">Movies, where one entry stands for several.</param>
public sealed record ActivityEntry(
    string Id, DateTimeOffset At, string Kind, string? Name = null, string? Node = null, string? Actor = null, string? Detail = null, long? Size = null, int? Count = null);

/// <summary>What may happen. The names are part of the API and never change their meaning.</summary>
public static class ActivityKinds
{
    public const string Uploaded = "uploaded";
    public const string Overwritten = "overwritten";
    public const string Deleted = "deleted";
    public const string SignedIn = "signed-in";
    public const string SignInFailed = "sign-in-failed";
    public const string SignedOut = "signed-out";
    public const string MasterStarted = "master-started";
    public const string NodeJoined = "node-joined";
    public const string NodeLost = "node-lost";
    public const string NodeStopped = "node-stopped";
    public const string NodeReturned = "node-returned";
    public const string NodeRemoved = "node-removed";
    public const string NodeRefused = "node-refused";
    public const string NodeFailed = "node-failed";
    public const string NodeMended = "node-mended";
    public const string NodeClosed = "node-closed";
    public const string NodeReopened = "node-reopened";
    public const string Healed = "healed";
    public const string Trimmed = "trimmed";
    public const string Damaged = "damaged";
    public const string VersionLost = "version-lost";
    public const string Verified = "verified";
    public const string Moved = "moved";
    public const string RebalanceStarted = "rebalance-started";
    public const string RebalancePaused = "rebalance-paused";
    public const string RebalanceEnded = "rebalance-ended";
    public const string DrainStarted = "drain-started";
    public const string DrainPaused = "drain-paused";
    public const string DrainLimited = "drain-limited";
    public const string DrainEnded = "drain-ended";
    public const string MaintenanceStarted = "maintenance-started";
    public const string MaintenanceEnded = "maintenance-ended";
    public const string ScrubStarted = "scrub-started";
    public const string ScrubPaused = "scrub-paused";
    public const string Quarantined = "quarantined";
    public const string Adopted = "adopted";
    public const string Purged = "purged";
    public const string RedisLost = "redis-lost";
    public const string RedisBack = "redis-back";
    public const string Rebuilding = "rebuilding";
    public const string Rebuilt = "rebuilt";

    /// <summary>What the console tells of its users; everything else the master sees for itself.</summary>
    public static readonly IReadOnlyList<string> OfConsole = [SignedIn, SignInFailed, SignedOut];

    public static readonly IReadOnlyList<string> All =
    [
        Uploaded, Overwritten, Deleted, SignedIn, SignInFailed, SignedOut, MasterStarted, NodeJoined, NodeLost, NodeStopped, NodeReturned, NodeRemoved, NodeRefused, NodeFailed, NodeMended, NodeClosed, NodeReopened,
        Healed, Trimmed, Damaged, VersionLost, Verified,
        Moved, RebalanceStarted, RebalancePaused, RebalanceEnded, DrainStarted, DrainPaused, DrainLimited, DrainEnded, MaintenanceStarted, MaintenanceEnded, ScrubStarted, ScrubPaused, Quarantined, Adopted, Purged,
        RedisLost, RedisBack, Rebuilding, Rebuilt,
    ];
}

/// <summary>Entries of the activity, the newest first.</summary>
/// <param name="Next">Give it as <c>before</c> for older ones; absent when there are none.</param>
public sealed record ActivityPage(IReadOnlyList<ActivityEntry> Items, string? Next);

/// <summary>How entries stand in Redis.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ActivityEntry))]
internal sealed partial class ActivityJson : JsonSerializerContext;
