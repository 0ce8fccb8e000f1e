using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Nodes that may be away for a while without anything being copied in their place (docs/decisions/maintenance.md). Counted in cluster age, and kept in Redis: a reboot of
/// the master's machine too ends no maintenance early.
/// </summary>
public sealed partial class Maintenance(NodeRegistry registry, FileCatalog catalog, CatalogSession session, ClusterClock clock, ICopiesWatch fixer, ActivityLog activity, ILogger<Maintenance> logger)
{
    /// <summary>Movies that cannot be read while the node is away: no other live node has a copy.</summary>
    public int Unreadable(NodeId node)
    {
        var view = registry.View;
        return catalog.Entries.Count(entry =>
        {
            var copies = registry.Replicas.CopiesOf(entry.Replica);
            return copies.Any(holder => holder.Node == node) && !copies.Any(holder => holder.Node != node && view.Find(holder.Node)?.Alive == true);
        });
    }

    /// <param name="length">Null: it is over.</param>
    /// <returns>False: it could not be written down, and nothing has changed.</returns>
    public async Task<bool> SetAsync(NodeId node, TimeSpan? length, CancellationToken cancellationToken)
    {
        if (!session.Attached) return false;
        double? before;
        bool byAdmin;
        string name;
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { } state) return true;
            (before, byAdmin, name) = (state.MaintenanceUntil, state.MaintenanceByAdmin, state.RingKey);
            if (before is null && length is null) return true;
        }

        registry.SetMaintenance(node, length is { } time ? clock.Age + time.TotalSeconds : null);
        // Whether it is unsaved says nothing about this: it may have something else to be written down by now.
        if (!await session.SaveNodeAsync(node, cancellationToken))
        {
            lock (registry.Gate)
            {
                if (registry.Find(node) is { } state)
                {
                    (state.MaintenanceUntil, state.MaintenanceByAdmin) = (before, byAdmin);
                    // Whoever wrote nodes down meanwhile may have written what is taken back here.
                    state.Unsaved = true;
                    registry.Publish();
                }
            }

            return false;
        }

        activity.Note(length is null ? ActivityKinds.MaintenanceEnded : ActivityKinds.MaintenanceStarted, node: name, detail: length is { } told ? $"for {told}" : null);
        LogChanged(name, length is { } said ? $"in maintenance for {said}" : "not in maintenance any more");
        fixer.LookAgain();
        return true;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} is {What} by an admin's wish.")]
    private partial void LogChanged(string node, string what);
}
