using System.Diagnostics.Metrics;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Telemetry;

namespace Mdfs.Master.Status;

/// <summary>What the master measures of itself, beside the classic figures (design, section 10). Never a file name as a label.</summary>
public sealed class MasterMetrics
{
    private readonly MasterStatus _status;
    private readonly FileCatalog _catalog;

    public MasterMetrics(
        Meter meter, NodeRegistry registry, FileCatalog catalog, CatalogSession session, RebuildState rebuild, Fixer fixer, Trimmer trimmer,
        TombstoneCleaner cleaner, Drains drains, Rebalance rebalance, Moves moves, RefusedNodes refusals, Adoption adoption, OpenUploads uploads, ClusterClock clock, MasterIdentity identity, MasterStatus status, TimeProvider time)
    {
        _status = status;
        _catalog = catalog;
        meter.CreateObservableGauge("mdfs_tombstones", () => catalog.TombstoneCount, null, "Deletions still remembered.");
        meter.CreateObservableCounter("mdfs_tombstones_removed_total", () => cleaner.Removed, null, "Deletions forgotten after their retention.");
        meter.CreateObservableGauge("mdfs_repairs_running", () => fixer.Running, null, "Copies that lack and are being made; those that only move are mdfs_rebalance_moves.");
        meter.CreateObservableGauge("mdfs_repairs_delayed", () => fixer.Delayed, null, "Movies that lack a copy which is not made before RepairDelay is over.");
        meter.CreateObservableGauge("mdfs_repairs_awaited", () => fixer.Awaited, null, "Movies that lack a copy which is not made, since it lies on a worker that is expected back or whose drain is paused.");
        meter.CreateObservableGauge("mdfs_repair_bytes_to_go", () => fixer.BytesLeft, null, "Bytes that have still to be copied until no copy lacks: by copies being made, and by those that wait.");
        meter.CreateObservableCounter("mdfs_repairs_total", () => fixer.Healed, null, "Copies made.");
        meter.CreateObservableGauge("mdfs_surplus_files", () => trimmer.SurplusCount, null, "Movies that have more copies than they need.");
        meter.CreateObservableGauge("mdfs_uploads_open", () => uploads.Count, null, "Uploads under way.");
        meter.CreateObservableGauge("mdfs_registered_nodes", () => registry.View.Nodes.Length, null, "Workers known, silent ones included.");
        meter.CreateObservableGauge("mdfs_ring_size", () => registry.View.Ring.Size, null, "Virtual nodes on the ring.");
        meter.CreateObservableGauge("mdfs_capacity_bytes", () => Space(registry).Capacity, null, "Bytes that live workers can hold.");
        meter.CreateObservableGauge("mdfs_free_bytes", () => Space(registry).Free, null, "Bytes free on live workers beyond their reserves.");
        meter.CreateObservableGauge("mdfs_used_bytes", () => Space(registry).Used, null, "Bytes of replicas on live workers.");
        meter.CreateObservableGauge("mdfs_heartbeat_age_seconds", () => OldestBeat(registry, time), null, "Seconds since the live worker heard longest ago was heard.");
        meter.CreateObservableGauge("mdfs_node_heartbeat_age_seconds", () => OfNodes(registry, state => state.Life is null ? null : time.GetElapsedTime(state.LastBeat).TotalSeconds), null, "Seconds since each worker was heard.");
        meter.CreateObservableGauge("mdfs_node_alive", () => OfNodes(registry, state => state.Alive ? 1 : 0), null, "Whether each known worker beats.");
        meter.CreateObservableGauge("mdfs_nodes_of_other_version", () => OfOtherVersion(registry), null, "Live workers that speak another version of the protocol between nodes than this master: an upgrade is half done.");
        meter.CreateObservableGauge("mdfs_redis_up", () => session.Health.State is StoreState.Serving ? 1 : 0, null, "Whether Redis answers and stands where this master left it.");
        meter.CreateObservableGauge("mdfs_redis_durability", () => session.Health.Durability is { } durability ? (int)durability.Level : -1, null, "What Redis' settings promise: 2 power loss, 1 a kill, 0 nothing, -1 not known.");
        meter.CreateObservableCounter("mdfs_redis_restores_total", () => session.Restores, null, "Times that memory was written back into a Redis that went back.");
        meter.CreateObservableGauge("mdfs_rebuilding", () => rebuild.Reason is null ? 0 : 1, null, "Whether the catalog is being completed from the workers.");
        meter.CreateObservableGauge("mdfs_adoptions_waiting", () => adoption.Waiting, null, "Names whose reports have not been compared with the catalog yet.");
        meter.CreateObservableCounter("mdfs_versions_lost_total", () => adoption.Lost, null, "Versions in the catalog that no node held any more, and whose place an older one has taken, since the master started.");
        meter.CreateObservableGauge("mdfs_scrub_oldest_seconds", () => Scrubs(registry).Select(scrub => scrub.OldestSeconds).DefaultIfEmpty(0).Max(), null, "Seconds since the replica that was re-read longest ago on any live worker was, or was written.");
        meter.CreateObservableGauge("mdfs_scrub_canary_seconds", () => Scrubs(registry).Select(scrub => scrub.CanarySeconds).DefaultIfEmpty(0).Max(), null, "Seconds since planted rot was last found and mended, on the live worker where that is longest ago.");
        meter.CreateObservableGauge("mdfs_scrub_paused_nodes", () => Scrubs(registry).Count(scrub => scrub.State is ScrubState.Paused or ScrubState.Stopped), null, "Live workers whose scrub is paused, or stopped by too much damage.");
        meter.CreateObservableGauge("mdfs_quarantined_replicas", () => Quarantined(registry), null, "Replicas that live workers have put aside for an admin to judge.");
        meter.CreateObservableGauge("mdfs_draining_nodes", () => drains.Count, null, "Workers that are being emptied, or are empty, by an admin's wish.");
        meter.CreateObservableGauge("mdfs_drain_bytes_to_go", () => drains.BytesToGo, null, "Bytes that have to be copied before draining workers may leave.");
        meter.CreateObservableGauge("mdfs_node_failed", () => OfNodes(registry, state => state is { Alive: true, Failed: not null } ? 1 : 0), null, "Whether each known worker is out because of its data directory.");
        meter.CreateObservableGauge("mdfs_node_closed", () => OfNodes(registry, state => state is { Alive: true, IsClosed: true } ? 1 : 0), null, "Whether each known worker has closed itself for new copies, since too many of those that it holds were damaged.");
        meter.CreateObservableGauge("mdfs_nodes_refused", () => refusals.All.Count, null, "Workers that beat and may not take part.");
        meter.CreateObservableGauge("mdfs_node_clock_skew_seconds", () => OfNodes(registry, state => state.Alive ? state.ClockSkew : null), null, "Seconds by which each live worker's clock is ahead of the master's.");
        meter.CreateObservableGauge("mdfs_scrub_canaries_sick", () => Scrubs(registry).Count(scrub => scrub.SickCanary is not null), null, "Live workers whose planted rot was found and is not healed yet.");
        meter.CreateObservableGauge("mdfs_node_maintenance", () => OfNodes(registry, state => state.MaintenanceUntil is null ? 0 : 1), null, "Whether each known worker may be away without anything being copied in its place.");
        meter.CreateObservableGauge("mdfs_nodes_awaited", () => registry.View.Nodes.Count(node => node.Expected), null, "Workers that are away and whose copies are waited for.");
        meter.CreateObservableGauge("mdfs_healing_held_up", () => fixer.HeldUp is null ? 0 : 1, null, "Whether missing copies wait because half of the workers are silent.");
        meter.CreateObservableGauge("mdfs_rebalance_running", () => rebalance.Record.State == RebalanceState.Running ? 1 : 0, null, "Whether copies are being moved to make the nodes equally full.");
        meter.CreateObservableGauge("mdfs_rebalance_moves", () => moves.Count, null, "Copies being moved.");
        meter.CreateObservableGauge("mdfs_rebalance_bytes_to_go", () => rebalance.BytesToGo, null, "Bytes that the rebalance under way has still to move.");
        meter.CreateObservableGauge("mdfs_epoch", () => identity.Epoch, null, "The epoch of this master; 0: it reigns over nothing.");
        meter.CreateObservableGauge("mdfs_cluster_age_seconds", () => clock.Age, null, "Seconds during which a master of this cluster ran.");
    }

    /// <summary>The four that scripts look up by name: no labels, and a value whatever happens.</summary>
    public IEnumerable<ClassicMetric> Classic() =>
    [
        new("mdfs_active_nodes", ClassicMetric.Gauge, "Workers that beat.", _status.ActiveNodes),
        new("mdfs_total_files", ClassicMetric.Gauge, "Movies in the catalog.", _catalog.Count),
        new("mdfs_under_replicated_files", ClassicMetric.Gauge, "Movies that have fewer copies than they should.", _status.UnderReplicated),
        new("mdfs_up", ClassicMetric.Gauge, "1: the master answers.", 1),
    ];

    private static NodeSpace Space(NodeRegistry registry) => SharedDisks.Space(registry.View.Nodes.Where(node => node.Alive));

    /// <summary>One figure for each known worker, under its name. Of those there are as many as there are machines.</summary>
    private static int OfOtherVersion(NodeRegistry registry)
    {
        lock (registry.Gate) return registry.States.Count(state => state.Alive && WireVersion.Of(state.Protocol) != WireVersion.Current);
    }

    private static List<Measurement<double>> OfNodes(NodeRegistry registry, Func<NodeState, double?> of)
    {
        lock (registry.Gate)
        {
            return [.. registry.States.Where(state => of(state) is not null).Select(state => new Measurement<double>(of(state)!.Value, new KeyValuePair<string, object?>("node", state.RingKey)))];
        }
    }

    private static List<ScrubReport> Scrubs(NodeRegistry registry)
    {
        lock (registry.Gate) return [.. registry.States.Where(state => state.Alive).Select(state => state.Scrub).OfType<ScrubReport>()];
    }

    private static int Quarantined(NodeRegistry registry)
    {
        lock (registry.Gate) return registry.States.Where(state => state.Alive).Sum(state => state.Quarantined ?? 0);
    }

    private static double OldestBeat(NodeRegistry registry, TimeProvider time)
    {
        lock (registry.Gate)
        {
            return registry.States.Where(state => state.Alive).Select(state => time.GetElapsedTime(state.LastBeat).TotalSeconds).DefaultIfEmpty(0).Max();
        }
    }
}
