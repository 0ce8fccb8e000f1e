using System.Threading.Channels;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Brings the catalog up to what workers hold (design, section 4): a sealed replica that is higher than its name's entry becomes the entry,
/// a tombstone that the catalog has lost is written again, an entry that nobody can have any more yields. Always by a transaction, a few
/// hundred names in each, so that a lost Redis is rebuilt at the speed of its disk.
/// </summary>
public sealed partial class Adoption(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    NameLocks locks,
    MasterIdentity identity,
    ClusterClock clock,
    ActivityLog activity,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<Adoption> logger) : BackgroundService
{
    private const int BatchSize = 300;

    private readonly Lock _gate = new();
    private readonly HashSet<FileName> _names = [];
    private readonly Dictionary<FileName, Tombstone> _tombstones = [];
    private readonly Dictionary<FileName, Provisional> _provisional = [];
    private bool _running;
    private long _lost;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Nothing that was told waits to be compared with the catalog, or is being compared.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate) return _names.Count + _tombstones.Count == 0 && !_running;
        }
    }

    /// <summary>Names that still wait to be looked at.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate) return _names.Count + _tombstones.Count;
        }
    }

    /// <summary>Entries that nobody could have any more and that an older version has replaced, since the start.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public void Consider(IReadOnlyCollection<FileName> names)
    {
        if (names.Count == 0) return;
        lock (_gate) _names.UnionWith(names);
        _wake.Writer.TryWrite(true);
    }

    public void ConsiderTombstones(IReadOnlyCollection<Tombstone> tombstones)
    {
        var found = false;
        lock (_gate)
        {
            foreach (var told in tombstones)
            {
                catalog.Hear(told.Bound);
                var known = catalog.FindTombstone(told.Name);
                if (known is not null && known.Bound >= told.Bound) continue;
                _tombstones[told.Name] = TombstoneRules.Merge(_tombstones.GetValueOrDefault(told.Name), told);
                found = true;
            }
        }

        if (found) _wake.Writer.TryWrite(true);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _wake.Reader.WaitToReadAsync(stoppingToken))
            {
                _wake.Reader.TryRead(out _);
                while (Waiting > 0)
                {
                    // Redis is away, or the names are being written to by others: look again in a moment.
                    if (!await TryBatchAsync(stoppingToken)) await Task.Delay(TimeSpan.FromMilliseconds(200), time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops: whoever comes next is told everything anew.
        }
    }

    private async Task<bool> TryBatchAsync(CancellationToken stoppingToken)
    {
        try
        {
            return await RunBatchAsync(stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            LogFailed(exception);
            return false;
        }
    }

    /// <summary>Looks at some of the waiting names; false if none could be dealt with now.</summary>
    private async Task<bool> RunBatchAsync(CancellationToken cancellationToken)
    {
        // Nobody's replica can be told from another cluster's before this one has a name.
        if (identity.ClusterId.Length == 0) return false;
        using var memory = await session.HoldMemoryAsync(cancellationToken);
        List<Tombstone> tombstones;
        List<FileName> names;
        lock (_gate)
        {
            _running = true;
            tombstones = [.. _tombstones.Values.Take(BatchSize)];
            foreach (var tombstone in tombstones) _tombstones.Remove(tombstone.Name);
            // A name whose tombstone is being written is judged together with it.
            names = [.. tombstones.Select(tombstone => tombstone.Name)];
            names.AddRange(_names.Take(Math.Max(0, BatchSize - names.Count)).ToList());
            foreach (var name in names) _names.Remove(name);
        }

        var held = new List<IDisposable>();
        var busy = new List<FileName>();
        var done = false;
        try
        {
            foreach (var name in names.Distinct().ToList())
            {
                if (locks.TryAcquire(name) is { } held1) held.Add(held1);
                else busy.Add(name);
            }

            var yields = new List<Yield>();
            var change = Judge([.. names.Except(busy)], [.. tombstones.Where(tombstone => !busy.Contains(tombstone.Name))], yields);
            // The time until nodes have come may pass in between: what is taken over for reading alone is no loss yet.
            var provisionally = session.NodesMayStillCome;
            done = change is null || await TakeOverAsync(change, provisionally, cancellationToken);
            if (change is not null && done)
            {
                // Judged once more when all nodes have come.
                if (!provisionally) yields.ForEach(Alarm);
                if (change.Bury.Count > 0) registry.OweTombstones(change.Bury);
                foreach (var name in change.Put.Select(entry => entry.Name).Concat(change.Remove).Concat(change.Bury.Select(tombstone => tombstone.Name)).Distinct())
                {
                    registry.Suspect(name, catalog.Find(name)?.Version);
                }
            }

            return done && busy.Count < names.Count;
        }
        finally
        {
            // Also when it failed: what was told once is not told again.
            Return(done ? busy : names, tombstones);
            foreach (var each in held) each.Dispose();
        }
    }

    /// <summary>
    /// While nodes are still coming in, memory alone is changed, so that what is known can be read: who was away too long cannot be told
    /// before those who know the cluster's age have spoken (docs/decisions/absence.md). When they have, <see cref="Finish"/> has it judged again.
    /// </summary>
    private async Task<bool> TakeOverAsync(CatalogChange change, bool provisionally, CancellationToken cancellationToken)
    {
        if (provisionally)
        {
            // What was told of deletions is certain at once, and has to outlive this master; entries that it covers go in the same transaction.
            List<FileName> covered =
            [
                .. change.Bury.Where(tombstone => Durable(tombstone.Name) is { } entry && tombstone.Covers(entry.Version)).Select(tombstone => tombstone.Name)
                    .Union(change.Remove.Where(name => Durable(name) is not null)),
            ];
            if (change.Bury.Count + covered.Count > 0
                && !await session.ApplyAsync(new CatalogChange { Bury = change.Bury, Remove = covered, Highest = change.Highest }, cancellationToken)) return false;

            lock (_gate)
            {
                foreach (var entry in change.Put) _provisional[entry.Name] = new Provisional(Durable(entry.Name), entry);
                foreach (var name in change.Remove) _provisional.Remove(name);
                // Under the same lock: who asks in between what is durable would be told of the entry that was here before.
                catalog.Apply(new CatalogChange { Put = change.Put, Remove = change.Remove, Highest = change.Highest });
            }

            return true;
        }

        return await session.ApplyAsync(change, cancellationToken);
    }

    /// <summary>What Redis holds for the name, as far as this master knows.</summary>
    public CatalogEntry? Durable(FileName name)
    {
        lock (_gate)
        {
            var entry = catalog.Find(name);
            return _provisional.TryGetValue(name, out var provisional) && ReferenceEquals(provisional.Taken, entry) ? provisional.Before : entry;
        }
    }

    /// <summary>The catalog was loaded from Redis: nothing in it is provisional.</summary>
    public void ForgetProvisional()
    {
        lock (_gate) _provisional.Clear();
    }

    /// <summary>All nodes that come have come: what was taken over for reading is judged once more, and written down.</summary>
    /// <returns>Whether nothing is left to do.</returns>
    public bool Finish()
    {
        if (session.NodesMayStillCome) return false;
        List<FileName> provisional;
        lock (_gate)
        {
            if (_provisional.Count == 0) return _names.Count + _tombstones.Count == 0 && !_running;
            provisional = [.. _provisional.Keys];
        }

        foreach (var name in provisional)
        {
            // A name that is being written to right now gets its turn with the next call.
            using var held = locks.TryAcquire(name);
            if (held is null) continue;
            Provisional? taken;
            lock (_gate)
            {
                // Committed or deleted by a client since it was taken over: that stands in Redis and is nobody's to take back.
                if (!_provisional.Remove(name, out taken) || !ReferenceEquals(catalog.Find(name), taken.Taken)) continue;
                catalog.Apply(taken.Before is null
                    ? new CatalogChange { Remove = [name], Highest = catalog.Highest }
                    : new CatalogChange { Put = [taken.Before], Highest = catalog.Highest });
            }

            // While it was the entry its copies were in order, and whoever looked at them has ceased to suspect them. Not under the lock: beats ask under the registry's whether all is done here.
            registry.Suspect(name, taken.Before?.Version);
            Consider([name]);
        }

        return false;
    }

    /// <summary>Not before the catalog has changed: a Redis that is away would have it told again with every attempt.</summary>
    private void Alarm(Yield yield)
    {
        Interlocked.Increment(ref _lost);
        LogYielded(yield.Name, yield.Lost.Number, yield.Older.Number);
        activity.Note(ActivityKinds.VersionLost, yield.Name, detail: $"version {yield.Lost} is lost, {yield.Older} took its place");
    }

    /// <summary>What the catalog must take over for these names; null if nothing. Their locks are held.</summary>
    /// <param name="yields">Gets those among it that are a loss.</param>
    private CatalogChange? Judge(List<FileName> names, List<Tombstone> tombstones, List<Yield> yields)
    {
        var put = new List<CatalogEntry>();
        var remove = new List<FileName>();
        var bury = new List<Tombstone>();
        lock (registry.Gate)
        {
            var told = tombstones.ToDictionary(tombstone => tombstone.Name);
            foreach (var name in names)
            {
                var tombstone = catalog.FindTombstone(name);
                if (told.TryGetValue(name, out var heard))
                {
                    var merged = TombstoneRules.Merge(tombstone, heard);
                    if (merged != tombstone) bury.Add(tombstone = merged);
                }

                var entry = catalog.Find(name);
                var buried = entry is not null && tombstone?.Covers(entry.Version) == true;
                if (buried)
                {
                    LogBuried(name, entry!.Version.Number);
                    entry = null;
                }

                if (FindSuccessor(name, entry, tombstone, out var yielded) is { } successor)
                {
                    put.Add(successor);
                    if (yielded)
                    {
                        yields.Add(new Yield(name, entry!.Version, successor.Version));
                    }
                    else
                    {
                        session.NoteWentBack(successor.Replica);
                        LogAdopted(name, successor.Version.Number);
                    }
                }
                else if (buried)
                {
                    remove.Add(name);
                }
            }
        }

        return put.Count + remove.Count + bury.Count == 0
            ? null
            : new CatalogChange { Put = put, Remove = remove, Bury = bury, Highest = catalog.Highest };
    }

    private CatalogEntry? FindSuccessor(FileName name, CatalogEntry? entry, Tombstone? tombstone, out bool yielded)
    {
        yielded = false;
        ReplicaDescription? best = null;
        var sealedOfName = new List<SealedReplica>();
        foreach (var version in registry.Replicas.VersionsOf(name))
        {
            foreach (var holder in registry.Replicas.HoldersOf(version))
            {
                if (registry.Find(holder.Node) is not { } state || state.Inventory.Find(version) is not { } report) continue;
                var away = Absence.IsTooLong(state.SettledAge, clock.Age, options.Value.TombstoneRetention);
                sealedOfName.Add(new SealedReplica(report, away));
                if (Reconciliation.Judge(report, entry, tombstone, away, identity.ClusterId) != ReplicaVerdict.Adopt) continue;
                if (best is null || version > best.Version) best = report.Replica;
            }
        }

        if (best is null && entry is not null)
        {
            var (prepared, registered, reported) = registry.Hearing(entry.Replica.Upload);
            best = EntryYield.To(entry, tombstone, sealedOfName, prepared, registered, reported);
            yielded = best is not null;
        }

        return best is null ? null : new CatalogEntry(best, [.. registry.Replicas.CopiesOf(best).Select(holder => holder.Node)]);
    }

    private void Return(List<FileName> names, List<Tombstone> tombstones)
    {
        lock (_gate)
        {
            _running = false;
            _names.UnionWith(names);
            foreach (var tombstone in tombstones.Where(tombstone => names.Contains(tombstone.Name)))
            {
                _tombstones[tombstone.Name] = TombstoneRules.Merge(_tombstones.GetValueOrDefault(tombstone.Name), tombstone);
            }
        }
    }

    /// <param name="Before">What Redis held for the name; null: nothing.</param>
    /// <param name="Taken">What was put into memory for reading.</param>
    private sealed record Provisional(CatalogEntry? Before, CatalogEntry Taken);

    private readonly record struct Yield(FileName Name, MovieVersion Lost, MovieVersion Older);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}' was taken into the catalog from what workers hold: version {Version}. Redis did not know it.")]
    private partial void LogAdopted(FileName name, long version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}' version {Version} was deleted once, as a worker remembers; Redis had forgotten the deletion. It is gone from the catalog again.")]
    private partial void LogBuried(FileName name, long version);

    [LoggerMessage(Level = LogLevel.Critical, Message = "No node holds version {Version} of '{Name}' any more: version {Older} takes its place. Find out what became of the disks that held it.")]
    private partial void LogYielded(FileName name, long version, long older);

    [LoggerMessage(Level = LogLevel.Error, Message = "Taking over what workers hold failed and is tried again.")]
    private partial void LogFailed(Exception exception);
}
