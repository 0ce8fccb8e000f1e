using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>
/// Emptying nodes by an admin's wish (design, section 6). The wish is kept in Redis and on the node; the copying is the fixer's and the removing the
/// trimmer's, so that a drain goes on after a restart of anybody and is taken back by a word.
/// </summary>
public sealed partial class Drains(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, ICopiesWatch fixer, ActivityLog activity, IOptions<MasterOptions> options,
    TimeProvider time, ILogger<Drains> logger)
    : PeriodicService(time, () => options.Value.RepairInterval, logger)
{
    /// <summary>A look walks over all movies of a node: looking by itself is to take no more than this share of a core.</summary>
    private const double MostOfACore = 0.05;

    private readonly ConcurrentDictionary<NodeId, long> _bytes = new();
    private long _lookedAt;
    private TimeSpan _lookedFor;

    /// <summary>Nodes on their way out.</summary>
    public int Count => registry.View.Nodes.Count(node => node.Draining);

    /// <summary>Bytes that have to be copied before they may leave, as of the last look at each: whoever asks for it asks often, and must not wait for one.</summary>
    public long BytesToGo => registry.View.Nodes.Where(node => node.Draining).Sum(node => _bytes.GetValueOrDefault(node.Id));

    /// <summary>
    /// Whether it may leave: nothing is left to do, by the word of the node itself. One that has begun anew, or has not come since the master did, has told nothing yet; and a movie that the catalog does
    /// not know yet may be on it.
    /// </summary>
    public bool IsDone(NodeId node, DrainPlan plan)
    {
        if (plan.Movies > 0 || session.IsUncertain) return false;
        return HasTold(node);
    }

    /// <summary>What is left to do, or what a drain would have to do.</summary>
    public DrainPlan Look(NodeId node)
    {
        var view = registry.View;
        var plan = DrainPlanner.Plan(view, node, Held(node), options.Value.ReplicationFactor, options.Value.PlacementRules);
        _bytes[node] = plan.Bytes;
        return plan;
    }

    /// <summary>What is left to do of each drain, for <see cref="BytesToGo"/>.</summary>
    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var node in _bytes.Keys.Where(node => registry.View.Find(node) is null)) _bytes.TryRemove(node, out _);
        if (Count == 0 || Time.GetElapsedTime(_lookedAt) < _lookedFor / MostOfACore) return Task.CompletedTask;
        var began = Time.GetTimestamp();
        foreach (var node in registry.View.Nodes.Where(static node => node.Draining)) Look(node.Id);
        _lookedAt = Time.GetTimestamp();
        _lookedFor = Time.GetElapsedTime(began, _lookedAt);
        return Task.CompletedTask;
    }

    /// <param name="paused">What it holds is not copied for the time being; copies under way are finished.</param>
    /// <param name="bytesPerSecond">That all its copies may take together; 0: no limit; null: as before, and none at first.</param>
    /// <returns>False: it could not be written down, and nothing has changed.</returns>
    public async Task<bool> SetAsync(NodeId node, bool draining, CancellationToken cancellationToken, bool paused = false, long? bytesPerSecond = null)
    {
        if (!session.Attached) return false;
        var (wasDraining, wasPaused, wasLimit) = registry.View.Find(node) is { } before ? (before.Draining, before.DrainPaused, before.DrainBytesPerSecond) : (false, false, 0);
        if (!Change(node, draining, paused, bytesPerSecond ?? wasLimit)) return true;
        // Whether it is unsaved says nothing about this: it may have something else to be written down by now.
        if (!await session.SaveNodeAsync(node, cancellationToken))
        {
            Change(node, wasDraining, wasPaused, wasLimit);
            return false;
        }

        var name = registry.View.Find(node)?.RingKey;
        if (wasDraining && draining && wasPaused == paused) activity.Note(ActivityKinds.DrainLimited, node: name);
        else activity.Note(paused ? ActivityKinds.DrainPaused : draining ? ActivityKinds.DrainStarted : ActivityKinds.DrainEnded, node: name);
        LogChanged(name ?? node.Value, paused ? "not drained for the time being" : draining ? "drained" : "no longer drained");
        fixer.LookAgain();
        return true;
    }

    private bool Change(NodeId node, bool draining, bool paused, long bytesPerSecond)
    {
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { } state) return false;
            // Whatever the node still says of itself: this is the latest word.
            state.ClaimsDraining = false;
            if (state.Draining == draining && state.DrainPaused == paused && (!draining || state.DrainBytesPerSecond == bytesPerSecond)) return false;
            state.Unsaved = true;
            registry.SetDraining(node, draining, paused, bytesPerSecond);
            return true;
        }
    }

    private bool HasTold(NodeId node)
    {
        lock (registry.Gate) return registry.Find(node) is { Inventory.Complete: true };
    }

    /// <summary>By its own word once it has told all: of a large cluster's movies a node holds few. Until then it is what Redis remembers besides.</summary>
    private IEnumerable<(ReplicaDescription, IReadOnlyList<HeldCopy>)> Held(NodeId node)
    {
        MovieVersion[]? told;
        lock (registry.Gate) told = registry.Find(node) is { Inventory: { Complete: true } all } ? [.. all.Versions] : null;
        var entries = told is null
            ? catalog.Entries.Where(entry => entry.Hint.Contains(node) || IsHeld(entry))
            : told.Select(registry.Replicas.Describe).OfType<ReplicaDescription>().Select(replica => catalog.Find(replica.Name) is { } entry && entry.Version == replica.Version ? entry : null).OfType<CatalogEntry>().Where(IsHeld);
        return entries.Select(entry => (entry.Replica, Copies.Of(registry, entry.Replica)));

        bool IsHeld(CatalogEntry entry) => registry.Replicas.HoldersOf(entry.Version).Any(holder => holder.Node == node);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} is {What} by an admin's wish.")]
    private partial void LogChanged(string node, string what);
}
