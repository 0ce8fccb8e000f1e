using System.Collections.Concurrent;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>
/// What a node holds and should not: buried, superseded, foreign or contradictory replicas, and uploads that were committed without it or
/// never. Judged each time its beat is answered, from what is known at that moment (design, sections 4 and 6).
/// </summary>
public sealed partial class Sweep(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    MasterIdentity identity,
    ClusterClock clock,
    OpenUploads uploads,
    StreamCounter streams,
    Adoption adoption,
    NameLocks locks,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<Sweep> logger) : IOrderSource
{
    // Why replicas are put aside; the console has them in other languages as well.
    public const string BelowLost = "nothing is left of the current version of its movie, and its node was away longer than deletions are remembered";
    public const string OtherBytes = "its size or checksum differs from what was committed under this version";
    public const string TooLongAway = "its node was away longer than deletions are remembered, and the catalog does not know it";
    public const string OtherCluster = "it was committed by another cluster";

    // When each superseded version was first seen to be: the grace runs from there, on the monotonic clock.
    private readonly ConcurrentDictionary<MovieVersion, long> _superseded = new();

    // Prepared uploads that the catalog was searched for in vain, and when: they stay for a day, and the search walks over all movies.
    private static readonly TimeSpan _searchAgain = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<UploadId, long> _unclaimed = new();

    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        AddPrepared(node, orders);
        foreach (var doubted in node.Doubted) orders.Add(new VerifyOrder(doubted));
        node.Doubted.Clear();
        node.Unsettled = false;
        if (!node.Inventory.Complete || node.Suspects.Count == 0) return;
        var away = Absence.IsTooLong(node.SettledAge, clock.Age, options.Value.TombstoneRetention);
        foreach (var version in node.Suspects.ToList())
        {
            if (node.Inventory.Find(version) is not { } report)
            {
                node.Suspects.Remove(version);
                if (registry.Replicas.HoldersOf(version).IsEmpty) _superseded.TryRemove(version, out _);
                continue;
            }

            if (OrderFor(node, report, away) is { } order) orders.Add(order);
        }
    }

    private NodeOrder? OrderFor(NodeState node, ReplicaReport report, bool away)
    {
        var name = report.Replica.Name;
        var version = report.Replica.Version;
        var entry = catalog.Find(name);
        var verdict = Reconciliation.Judge(report, entry, catalog.FindTombstone(name), away, identity.ClusterId);
        switch (verdict)
        {
            case ReplicaVerdict.Copy or ReplicaVerdict.DamagedCopy:
                node.Suspects.Remove(version);
                return null;
            case ReplicaVerdict.Superseded:
                // It may have been deleted, and the deletion forgotten: while it is here, the node counts as having been away.
                node.Unsettled |= away;
                // Nor will it ever be removed, where nothing of the current version is left: so that the node settles all the same, an admin judges it.
                if (away && session.IsSure && !locks.IsHeld(name) && IsLost(entry!))
                {
                    LogBelowLost(name, version.Number, node.RingKey);
                    return new QuarantineOrder(version, BelowLost);
                }

                // Nobody has what the catalog names: it may have to yield, which is decided where all nodes are looked at.
                if (registry.Settled && registry.Replicas.HoldersOf(entry!.Version).IsEmpty) adoption.Consider([name]);
                return IsRemovable(entry!, version) ? new DeleteOrder(version, $"superseded by {entry!.Version}", Keep: true) : null;
        }

        node.Unsettled = true;
        // Being committed or deleted at this moment: what is known of the name is about to change, and a sealed replica may be ahead of it.
        if (locks.IsHeld(name)) return null;
        switch (verdict)
        {
            case ReplicaVerdict.Adopt:
                adoption.Consider([name]);
                return null;
            case ReplicaVerdict.Buried:
                return new DeleteOrder(version, "deleted", Keep: true);
            case ReplicaVerdict.Conflict:
                LogConflict(name, version.Number, node.RingKey);
                return new QuarantineOrder(version, OtherBytes);
            case ReplicaVerdict.TooLongAway:
                if (!session.IsSure) return null;
                LogTooLongAway(name, version.Number, node.RingKey);
                return new QuarantineOrder(version, TooLongAway);
            case ReplicaVerdict.OtherCluster:
                LogOtherCluster(name, version.Number, node.RingKey);
                return new QuarantineOrder(version, OtherCluster);
            default:
                throw new InvalidOperationException("A verdict nobody has thought of.");
        }
    }

    private bool IsLost(CatalogEntry entry)
    {
        var (prepared, registered, reported) = registry.Hearing(entry.Replica.Upload);
        return EntryYield.IsLost(entry, registry.Replicas.VersionsOf(entry.Name), prepared, registered, reported);
    }

    private bool IsRemovable(CatalogEntry current, MovieVersion version)
    {
        var since = _superseded.GetOrAdd(version, static (_, clock) => clock.GetTimestamp(), time);
        return session.IsSure && SupersededRemoval.IsDue(
            time.GetElapsedTime(since),
            options.Value.SupersededGrace,
            streams.OfVersion(version) > 0,
            Copies.Count(registry, current.Replica),
            CopyGoal.Of(options.Value.ReplicationFactor, registry.View));
    }

    private void AddPrepared(NodeState node, List<NodeOrder> orders)
    {
        var waiting = node.Prepared.Where(prepared => !uploads.IsOpen(prepared.Upload) && !WasSearched(prepared.Upload)).ToList();
        if (waiting.Count == 0) return;
        // Rare (a crash between transaction and seal), so a walk over the catalog is cheaper than an index that every movie would pay for.
        var wanted = waiting.Select(prepared => prepared.Upload).ToHashSet();
        var committed = catalog.Entries.Where(entry => wanted.Contains(entry.Replica.Upload)).ToDictionary(entry => entry.Replica.Upload);
        foreach (var prepared in waiting)
        {
            if (!committed.ContainsKey(prepared.Upload)) _unclaimed[prepared.Upload] = time.GetTimestamp();
            switch (Reconciliation.Judge(prepared, committed.GetValueOrDefault(prepared.Upload), open: false))
            {
                case PreparedVerdict.Seal:
                    orders.Add(new SealOrder(committed[prepared.Upload].Replica));
                    break;
                case PreparedVerdict.Discard when session.IsSure:
                    orders.Add(new DiscardOrder(prepared.Upload));
                    break;
            }
        }
    }

    private bool WasSearched(UploadId upload)
    {
        if (!_unclaimed.TryGetValue(upload, out var at)) return false;
        if (time.GetElapsedTime(at) < _searchAgain) return true;
        _unclaimed.TryRemove(upload, out _);
        return false;
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "'{Name}' version {Version} on node {Node} has other bytes than were committed. It is put into quarantine.")]
    private partial void LogConflict(Protocol.Names.FileName name, long version, string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} was away longer than deletions are remembered and brings '{Name}' version {Version}, which the catalog does not know. It is put into quarantine.")]
    private partial void LogTooLongAway(Protocol.Names.FileName name, long version, string node);

    [LoggerMessage(Level = LogLevel.Error, Message = "'{Name}' version {Version} on node {Node} is older than what the catalog names, of which nothing is left, and may have been deleted. It is put into quarantine.")]
    private partial void LogBelowLost(Protocol.Names.FileName name, long version, string node);

    [LoggerMessage(Level = LogLevel.Error, Message = "'{Name}' version {Version} on node {Node} was committed by another cluster. It is put into quarantine.")]
    private partial void LogOtherCluster(Protocol.Names.FileName name, long version, string node);
}
