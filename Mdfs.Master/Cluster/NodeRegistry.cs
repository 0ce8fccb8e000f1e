using System.Collections.Immutable;
using Mdfs.Master.Catalog;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Membership and everything that workers report. One lock guards what changes; what readers need is published as immutable snapshots
/// (<see cref="View"/>, <see cref="Replicas"/>).
/// </summary>
public sealed class NodeRegistry(IOptions<MasterOptions> options, TimeProvider time)
{
    private readonly Dictionary<NodeId, NodeState> _nodes = [];
    private long _started = time.GetTimestamp();
    private ClusterView _view = ClusterView.Empty;
    private long _lastRegistration = time.GetTimestamp();
    private long _lastCheck = time.GetTimestamp();

    /// <summary>Guards every <see cref="NodeState"/>.</summary>
    public Lock Gate { get; } = new();

    public ClusterView View => Volatile.Read(ref _view);

    public ReplicaIndex Replicas { get; } = new();

    public LeavingCopies Leaving { get; } = new(time);

    /// <summary>Under <see cref="Gate"/>.</summary>
    public IEnumerable<NodeState> States => _nodes.Values;

    /// <summary>What has been heard of the nodes, as <see cref="EntryYield"/> asks for it. Under <see cref="Gate"/>.</summary>
    /// <param name="upload">The entry's.</param>
    public (bool Prepared, IReadOnlyList<NodeId> Registered, IReadOnlySet<NodeId> Reported) Hearing(UploadId upload) => (
        _nodes.Values.Any(state => state.Prepared.Any(prepared => prepared.Upload == upload)),
        [.. _nodes.Keys],
        _nodes.Values.Where(state => state.Inventory.Complete).Select(state => state.Id).ToHashSet());

    /// <summary>Time since a node last registered (a new life of a known node counts).</summary>
    public TimeSpan SinceLastRegistration => time.GetElapsedTime(Interlocked.Read(ref _lastRegistration));

    /// <summary>Whether one node time-out has passed since the start: before, nothing is called missing (design, section 6).</summary>
    public bool Settled => Uptime >= options.Value.NodeTimeout;

    /// <summary>Time since beats can be heard.</summary>
    public TimeSpan Uptime => time.GetElapsedTime(Interlocked.Read(ref _started));

    /// <summary>Beats can be heard from now on. Loading the catalog, and waiting for Redis, may have taken longer than any node's silence.</summary>
    public void Listen()
    {
        lock (Gate)
        {
            var now = time.GetTimestamp();
            Interlocked.Exchange(ref _started, now);
            Interlocked.Exchange(ref _lastRegistration, now);
            _lastCheck = now;
        }
    }

    /// <summary>Whether any node has registered since the start.</summary>
    public bool AnyRegistered { get; private set; }

    /// <summary>Raised outside the lock when a node joined, came back, left or went silent.</summary>
    public event Action<NodeId, bool>? LivenessChanged;

    /// <summary>Takes over the nodes that Redis remembers: known, silent, not on the ring; and of those that have been heard already what an admin has said of them.</summary>
    public void Remember(IEnumerable<NodeRecord> records)
    {
        lock (Gate)
        {
            foreach (var record in records)
            {
                var state = FindOrAdd(record.Id, record.RingKey);
                // Nobody can have said anything else since: without Redis this master takes no orders.
                (state.Draining, state.DrainPaused, state.DrainBytesPerSecond, state.IsKnown) = (record.Draining, record.DrainPaused, record.DrainBytesPerSecond, true);
                if (state.Life is not null)
                {
                    // What the node itself had said for its stop is over.
                    if (record.MaintenanceByAdmin && !(state.MaintenanceUntil > record.MaintenanceUntil)) (state.MaintenanceUntil, state.MaintenanceByAdmin) = (record.MaintenanceUntil, true);
                    continue;
                }

                state.RingKey = record.RingKey;
                state.Name = record.Name;
                state.Address = record.Address;
                state.PublicUrl = record.PublicUrl;
                state.Zone = record.Zone;
                state.LastHeardAge = state.SavedAge = record.ClusterAge;
                (state.MaintenanceUntil, state.MaintenanceByAdmin) = (record.MaintenanceUntil, record.MaintenanceByAdmin);
            }

            Publish();
        }
    }

    /// <summary>Under <see cref="Gate"/>.</summary>
    public NodeState? Find(NodeId id) => _nodes.GetValueOrDefault(id);

    /// <summary>Under <see cref="Gate"/>.</summary>
    public NodeState FindOrAdd(NodeId id, string ringKey)
    {
        if (_nodes.TryGetValue(id, out var state)) return state;
        state = new NodeState(id, ringKey, Replicas);
        _nodes.Add(id, state);
        return state;
    }

    /// <summary>Forgets a node. Under <see cref="Gate"/>.</summary>
    public void Forget(NodeId id)
    {
        if (!_nodes.Remove(id, out var state)) return;
        state.Inventory.Clear();
        Leaving.Forget(id);
        Publish();
    }

    /// <summary>A life was accepted: the node is on the ring. Under <see cref="Gate"/>; true if it was not alive before.</summary>
    public bool Revive(NodeState state)
    {
        Interlocked.Exchange(ref _lastRegistration, time.GetTimestamp());
        AnyRegistered = true;
        var was = state.Alive;
        state.Alive = true;
        state.Stopped = false;
        state.ExpectedSince = null;
        // What it had said for its stop is over; what an admin has said may hold for several.
        if (!state.MaintenanceByAdmin && state.MaintenanceUntil is not null) (state.MaintenanceUntil, state.Unsaved) = (null, true);
        Publish();
        return !was;
    }

    /// <summary>A node said goodbye: it is off the ring, and is given one node time-out to come back, or the time that it asked for. Under <see cref="Gate"/>.</summary>
    /// <param name="until">Cluster age in seconds; null: it has not said.</param>
    public void Leave(NodeState state, double? until)
    {
        if (until is { } said && !(state.MaintenanceUntil >= said)) (state.MaintenanceUntil, state.MaintenanceByAdmin) = (said, false);
        // When it was last heard is to be known to the next master too.
        (state.Alive, state.Unsaved) = (false, true);
        state.Stopped = true;
        state.ExpectedSince ??= time.GetTimestamp();
        Publish();
    }

    /// <summary>
    /// Whether a live node's inventory is still on its way: what it holds cannot be called missing. One that does not come within a node time-out is
    /// not waited for any longer.
    /// </summary>
    public bool AwaitsInventory
    {
        get
        {
            lock (Gate) return _nodes.Values.Any(state => state is { Alive: true, Inventory.Complete: false } && time.GetElapsedTime(state.Began) < options.Value.NodeTimeout);
        }
    }

    /// <summary>Who is there now; null: somebody who is has not told yet all that it holds.</summary>
    public Census? Census
    {
        get
        {
            lock (Gate) return Census.Of(_nodes.Values);
        }
    }

    /// <summary>Whether a node that is not on its way out has gone silent a short while ago, or is expected back.</summary>
    public bool MissesSomebody(TimeSpan patience) => Missed(patience).Count > 0;

    /// <summary>The nodes that are not on their way out and have gone silent a short while ago, or are expected back; by name.</summary>
    public IReadOnlyList<string> Missed(TimeSpan patience)
    {
        lock (Gate)
        {
            return
            [
                .. _nodes.Values.Where(state => state is { Alive: false, Draining: false } && (state.IsExpected || (state.Life is null ? Uptime : time.GetElapsedTime(state.LastBeat)) < patience))
                    .Select(static state => state.RingKey).Order(StringComparer.Ordinal),
            ];
        }
    }

    /// <summary>
    /// Takes silent nodes off the ring, and waits no longer for those that said goodbye and have not come back. When the check itself ran late (a frozen or overloaded master), every node gets one more period:
    /// their beats could not have been heard.
    /// </summary>
    /// <param name="clusterAge">In seconds; maintenances up to it are over.</param>
    public IReadOnlyList<NodeId> DropSilent(double clusterAge = 0)
    {
        var lost = new List<NodeId>();
        lock (Gate)
        {
            var late = time.GetElapsedTime(_lastCheck) > options.Value.HealthCheckInterval * 2 + TimeSpan.FromSeconds(1);
            _lastCheck = time.GetTimestamp();
            foreach (var state in _nodes.Values.Where(state => state.Alive))
            {
                if (late) state.LastBeat = Math.Max(state.LastBeat, _lastCheck - (long)(options.Value.HealthCheckInterval.TotalSeconds * time.TimestampFrequency));
                if (time.GetElapsedTime(state.LastBeat) < options.Value.NodeTimeout) continue;
                (state.Alive, state.Unsaved) = (false, true);
                lost.Add(state.Id);
            }

            foreach (var state in _nodes.Values.Where(state => state.ExpectedSince is not null))
            {
                if (time.GetElapsedTime(state.ExpectedSince!.Value) < options.Value.NodeTimeout) continue;
                state.ExpectedSince = null;
                if (state.MaintenanceUntil is null) lost.Add(state.Id);
            }

            foreach (var state in _nodes.Values.Where(state => state.MaintenanceUntil <= clusterAge))
            {
                (state.MaintenanceUntil, state.MaintenanceByAdmin, state.Unsaved) = (null, false, true);
                if (!state.Alive) lost.Add(state.Id);
            }

            if (lost.Count > 0) Publish();
        }

        foreach (var id in lost) LivenessChanged?.Invoke(id, false);
        return lost;
    }

    public void AnnounceAlive(NodeId id) => LivenessChanged?.Invoke(id, true);

    public void AnnounceGone(NodeId id) => LivenessChanged?.Invoke(id, false);

    /// <summary>
    /// A worker's word, given in an answer rather than in a beat. From a life that does not beat here it cannot be put in order, and what was known of the
    /// node may be void: silence about this replica would be taken for its absence (docs/decisions/model.md). So the whole is asked for again.
    /// </summary>
    public void TakeReceipt(SealReceipt receipt)
    {
        lock (Gate)
        {
            if (Find(receipt.Node) is not { } state) return;
            if (state.Life == receipt.Life) state.Inventory.Set(receipt.Report, receipt.Number);
            else state.Inventory.Clear();
        }
    }

    public void TakeReceipt(TombstoneReceipt receipt, FileName name)
    {
        lock (Gate)
        {
            if (Find(receipt.Node) is not { } state || state.Life != receipt.Life) return;
            foreach (var version in receipt.Removed) state.Inventory.Remove(version, receipt.Number);
            state.OwedTombstones.Remove(name);
        }
    }

    /// <summary>Every registered node is to hear of these tombstones with its next beats, until it says that it has them.</summary>
    public void OweTombstones(IReadOnlyCollection<Tombstone> tombstones)
    {
        lock (Gate)
        {
            foreach (var state in _nodes.Values)
            {
                foreach (var tombstone in tombstones) state.OwedTombstones[tombstone.Name] = (tombstone, 0);
            }
        }
    }

    public void OweForgets(IReadOnlyCollection<Tombstone> tombstones)
    {
        lock (Gate)
        {
            foreach (var state in _nodes.Values)
            {
                foreach (var tombstone in tombstones) state.OwedTombstones.Remove(tombstone.Name);
                state.OwedForgets.AddRange(tombstones);
            }
        }
    }

    /// <summary>The current version of the name changed: every other version of it is suspect wherever it lies.</summary>
    public void Suspect(FileName name, MovieVersion? current)
    {
        lock (Gate)
        {
            foreach (var version in Replicas.VersionsOf(name))
            {
                if (version == current) continue;
                foreach (var holder in Replicas.HoldersOf(version)) Find(holder.Node)?.Suspects.Add(version);
            }
        }
    }

    /// <summary>
    /// Bytes that an upload which a node has just opened will bring. They count as its load until its next beat, which knows of them by itself, as in flight or as in use; also when the upload has
    /// ended before that. Else whatever comes between two beats would be placed as though nothing had come.
    /// </summary>
    public PromisedBytes Promise(NodeId id, long bytes)
    {
        lock (Gate)
        {
            if (Find(id) is not { } state) return default;
            state.Pending += bytes;
            Publish();
            return new PromisedBytes(id, state.Life, state.LastNumber, bytes);
        }
    }

    /// <summary>What became of a promise. If the node has beaten since, it has told.</summary>
    /// <param name="bytes">That lie there now; 0: nothing came of it.</param>
    public void Settle(PromisedBytes promised, long bytes)
    {
        lock (Gate)
        {
            if (promised.Bytes == bytes || Find(promised.Node) is not { } state || state.Life != promised.Life || state.LastNumber != promised.Beat) return;
            state.Pending += bytes - promised.Bytes;
            Publish();
        }
    }

    /// <summary>There is reason to have a replica re-read by this node; null if it does not beat.</summary>
    public NodeView? Doubt(NodeId id, MovieVersion version)
    {
        lock (Gate)
        {
            if (Find(id) is not { Alive: true } state) return null;
            state.Doubted.Add(version);
            return state.ToView();
        }
    }

    /// <param name="bytesPerSecond">That all its copies may take together; 0: no limit.</param>
    public void SetDraining(NodeId id, bool draining, bool paused = false, long bytesPerSecond = 0)
    {
        lock (Gate)
        {
            if (Find(id) is not { } state) return;
            (state.Draining, state.DrainPaused, state.DrainBytesPerSecond, state.ClaimsDraining) = (draining, draining && paused, draining ? bytesPerSecond : 0, false);
            Publish();
        }
    }

    /// <param name="until">Cluster age in seconds; null: it is over.</param>
    public void SetMaintenance(NodeId id, double? until)
    {
        lock (Gate)
        {
            if (Find(id) is not { } state) return;
            (state.MaintenanceUntil, state.MaintenanceByAdmin, state.Unsaved) = (until, until is not null, true);
            if (until is null) state.ExpectedSince = null;
            Publish();
        }
    }

    /// <summary>Nodes in maintenance that have not been heard since this master started, so that only Redis' hint says what they hold.</summary>
    public IReadOnlySet<NodeId> AwaitedUnheard()
    {
        lock (Gate) return _nodes.Values.Where(state => state is { Life: null, Alive: false, Draining: false, MaintenanceUntil: not null }).Select(state => state.Id).ToHashSet();
    }

    /// <summary>Raised when a reader met a bad block: the worker reports it itself, but healing should not wait for its beat.</summary>
    public event Action<MovieVersion>? DamageMet;

    public void NoteDamage(MovieVersion version) => DamageMet?.Invoke(version);

    /// <summary>Publishes what is known as a new snapshot. Under <see cref="Gate"/>.</summary>
    public void Publish()
    {
        var nodes = _nodes.Values.Select(state => state.ToView()).OrderBy(node => node.RingKey, StringComparer.Ordinal).ToImmutableArray();
        var old = View;
        // Who is where changes seldom, what they hold with every beat and every upload.
        var same = nodes.Length == old.Nodes.Length;
        for (var at = 0; same && at < nodes.Length; at++)
            same = nodes[at].Id == old.Nodes[at].Id && nodes[at].Alive == old.Nodes[at].Alive && nodes[at].RingKey == old.Nodes[at].RingKey;
        Volatile.Write(ref _view, same ? old.With(nodes) : new ClusterView(nodes, HashRing.Build(nodes.Where(node => node.Alive).Select(node => (node.Id, node.RingKey)), options.Value.VirtualNodes)));
    }
}
