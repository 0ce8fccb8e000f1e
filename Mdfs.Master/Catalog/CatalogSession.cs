using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Catalog;

/// <summary>
/// The reign of this master: from taking the epoch and loading the catalog, over every commit, to being replaced. The catalog in memory
/// follows what the store has made durable.
/// </summary>
public sealed partial class CatalogSession(
    CatalogStore store,
    FileCatalog catalog,
    NodeRegistry registry,
    MasterIdentity identity,
    ClusterClock clock,
    RebuildState rebuild,
    IHostApplicationLifetime lifetime,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<CatalogSession> logger) : IDisposable
{
    /// <summary>The exit code of a master that was replaced, so that a supervisor can tell it from a crash.</summary>
    public const int ReplacedExitCode = 3;

    private const string Behind = "Workers know of later versions than Redis: the catalog is being completed from them.";
    private const string Emptied = "Redis was empty, and a worker belongs to a cluster already: the catalog is being rebuilt from the workers.";

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly SemaphoreSlim _memory = new(1, 1);
    private readonly SemaphoreSlim _nodes = new(1, 1);
    private static readonly IReadOnlySet<MovieVersion> _none = new HashSet<MovieVersion>();
    private IReadOnlySet<MovieVersion> _hinted = _none;
    private StoreHealth _health = new(StoreState.NotOpened, "Redis has not been reached yet.", null, null, null);

    /// <summary>Whether an epoch was taken and the catalog loaded. Until then the master serves, read-only, what workers report.</summary>
    public bool Attached => identity.Epoch > 0;

    /// <summary>The last look at Redis.</summary>
    public StoreHealth Health => Volatile.Read(ref _health);

    /// <summary>How often memory had to be written back into a Redis that went back, since the start.</summary>
    public long Restores { get; private set; }

    /// <summary>
    /// What Redis is to hold for a name. It is less than memory has while entries are taken over for reading alone, as whoever takes them over says
    /// (docs/decisions/rebuilding.md); nothing else may be written down.
    /// </summary>
    public Func<FileName, CatalogEntry?> Durable { get; set; } = catalog.Find;

    /// <summary>Raised after the catalog was loaded from Redis into memory: what workers have already reported has to be judged again.</summary>
    public event Action? Loaded;

    /// <summary>Raised after memory was written back into a Redis that went back: whatever else stands there is to be written anew. Handlers must not wait.</summary>
    public event Action? Restored;

    /// <summary>
    /// Held by whoever compares what workers report with the catalog and changes memory by it: the catalog must not be loaded from Redis in between.
    /// </summary>
    public async Task<IDisposable> HoldMemoryAsync(CancellationToken cancellationToken)
    {
        await _memory.WaitAsync(cancellationToken);
        return new Held(_memory);
    }

    /// <summary>Takes the epoch and loads the catalog; false while Redis is away.</summary>
    /// <param name="patience">How long Redis is waited for. Beats that have to tell the cluster's name wait as long.</param>
    /// <exception cref="SettingException">This Redis must not be used as it is configured.</exception>
    public async Task<bool> TryAttachAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (Attached) return true;
            switch (await store.TakeEpochAsync(LowestEpoch(), either.Token))
            {
                case EpochOutcome.Taken taken:
                    await LoadAsync(taken.Epoch, cancellationToken);
                    return true;
                case EpochOutcome.Refused refused:
                    throw new SettingException(refused.Reason);
                case EpochOutcome.Unavailable unavailable:
                    Volatile.Write(ref _health, Health with { State = StoreState.Unreachable, Sentence = unavailable.Reason });
                    return false;
                case EpochOutcome.Replaced replaced:
                    Stop(taken: store.Epoch ?? 0, replaced.Epoch);
                    return false;
                default:
                    return false;
            }
        }
        catch (StoreUnavailableException exception)
        {
            Volatile.Write(ref _health, Health with { State = StoreState.Unreachable, Sentence = exception.Message });
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Volatile.Write(ref _health, Health with { State = StoreState.Unreachable, Sentence = "Redis did not answer in time." });
            return false;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Looks at Redis: still there, still ours, still where we left it?</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var health = await store.CheckAsync(cancellationToken);
        var before = Health;
        Volatile.Write(ref _health, health);
        if (health.ReplacedBy is { } epoch) StepDown(epoch);
        if (health.State != before.State) LogHealth(health.Sentence);
        if (health.State == StoreState.Serving) await SaveClusterAgeAsync(cancellationToken);
    }

    /// <summary>Writes the present cluster age down; false while that cannot be done, and then nothing may be decided by it that a later master must know.</summary>
    public Task<bool> SaveClusterAgeAsync(CancellationToken cancellationToken) => WriteAsync(store.SaveClusterAgeAsync(clock.Age, cancellationToken));

    /// <summary>A worker has obeyed a higher epoch than ours: either we were replaced, or Redis went back and gave us too low a one.</summary>
    public async Task MeetHigherEpochAsync(long heard, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (!Attached || identity.Epoch >= heard) return;
            await CheckAsync(cancellationToken);
            if (!Attached || Health.State != StoreState.Serving) return;
            switch (await store.TakeEpochAsync(heard, cancellationToken))
            {
                case EpochOutcome.Taken taken:
                    LogEpochRaised(heard, taken.Epoch);
                    identity.Reign(taken.Epoch);
                    BeginRebuild("A worker had obeyed a later master than Redis remembers: Redis went back to an older state.");
                    break;
                case EpochOutcome.Replaced replaced:
                    StepDown(replaced.Epoch);
                    break;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>An empty Redis learns from a worker which cluster it belongs to.</summary>
    /// <param name="fromWorker">A worker knows the name: there was a cluster before, and Redis has lost it.</param>
    public async Task LearnClusterIdAsync(string clusterId, bool fromWorker, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (identity.ClusterId.Length > 0) return;
            if (Attached)
            {
                // Redis has the last word: another answer may have been quicker.
                if (!await WriteAsync(store.EnsureClusterIdAsync(clusterId, cancellationToken))) return;
                clusterId = store.ClusterId ?? clusterId;
            }

            identity.Name(clusterId);
            LogClusterLearned(clusterId);
            if (fromWorker && rebuild.BeganEmpty) BeginRebuild(Emptied);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// A cluster that nobody has named yet is named by its first master, but not before workers that know a name had the time to say it:
    /// after a lost Redis the first to beat may be a new, empty one.
    /// </summary>
    /// <param name="allHaveSpoken">The caller knows all workers there are, and that each has beaten: nobody is left to be waited for.</param>
    public async Task NameClusterAsync(bool allHaveSpoken, CancellationToken cancellationToken)
    {
        if (!Attached) return;
        if (identity.ClusterId.Length > 0)
        {
            // Redis did not answer when the name was learned, or came back without it.
            if (store.ClusterId is null) await WriteAsync(store.EnsureClusterIdAsync(identity.ClusterId, cancellationToken));
            return;
        }

        if (!registry.AnyRegistered || (!allHaveSpoken && registry.Uptime < options.Value.NodeTimeout / 3)) return;
        await LearnClusterIdAsync(MasterIdentity.NewClusterId(), fromWorker: false, cancellationToken);
    }

    /// <summary>One transaction, for a caller that holds the locks of all names in it. Memory follows only when it is <see cref="CommitOutcome.Committed"/>, by <see cref="FileCatalog.Apply"/>.</summary>
    public async Task<CommitOutcome> CommitAsync(CatalogChange change, CancellationToken cancellationToken)
    {
        if (!Attached) return new CommitOutcome.Unavailable("Redis has not been reached since the master started.");
        var outcome = await store.CommitAsync(change, cancellationToken);
        if (outcome is CommitOutcome.Replaced replaced) StepDown(replaced.Epoch);
        return outcome;
    }

    /// <summary>One transaction, waited for until its truth is known, and memory after it. Without Redis since the start: memory alone.</summary>
    public async Task<bool> ApplyAsync(CatalogChange change, CancellationToken cancellationToken)
    {
        if (Attached)
        {
            var outcome = await CommitAsync(change, cancellationToken);
            if (outcome is CommitOutcome.Unsettled unsettled) outcome = await unsettled.Settlement;
            if (outcome is not CommitOutcome.Committed) return false;
        }

        catalog.Apply(change);
        return true;
    }

    /// <summary>Writes down the nodes that joined, changed or went since the last time, and those that have been heard for long since. Not while a beat waits for its answer: Redis may be away.</summary>
    public async Task SaveNodesAsync(CancellationToken cancellationToken)
    {
        if (!Attached) return;
        List<NodeId> nodes;
        lock (registry.Gate)
            nodes = [.. registry.States.Where(state => state.Unsaved || state.LastHeardAge - state.SavedAge >= NodeRecord.MostBehind.TotalSeconds).Select(state => state.Id)];
        foreach (var node in nodes)
        {
            if (!await SaveNodeAsync(node, cancellationToken)) return;
        }
    }

    /// <summary>Writes down what is known of one node; false if that cannot be done now.</summary>
    public async Task<bool> SaveNodeAsync(NodeId node, CancellationToken cancellationToken)
    {
        await _nodes.WaitAsync(cancellationToken);
        using var held = new Held(_nodes);
        NodeRecord record;
        lock (registry.Gate)
        {
            // It was forgotten while others were written down.
            if (registry.Find(node) is not { } state) return true;
            record = Record(state);
        }

        if (!await WriteAsync(store.SaveNodeAsync(record, cancellationToken))) return false;
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { } state) return true;
            state.SavedAge = record.ClusterAge;
            if (Record(state) with { ClusterAge = record.ClusterAge } == record) state.Unsaved = false;
        }

        return true;
    }

    /// <summary>Forgets a node, in Redis and here; false if that cannot be done now. One that has come back at the same moment stays.</summary>
    public async Task<bool> ForgetNodeAsync(NodeId node, CancellationToken cancellationToken)
    {
        if (!Attached) return false;
        // Nobody writes down in between what is being struck out.
        await _nodes.WaitAsync(cancellationToken);
        using var held = new Held(_nodes);
        if (!await WriteAsync(store.RemoveNodeAsync(node, cancellationToken))) return false;
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { Alive: true } state) registry.Forget(node);
            else state.Unsaved = true;
        }

        return true;
    }

    /// <summary>Writes hints down; false if that cannot be done now.</summary>
    public async Task<bool> SaveHoldersAsync(IReadOnlyCollection<HolderHint> hints, CancellationToken cancellationToken) =>
        Attached && await WriteAsync(store.SaveHoldersAsync(hints, cancellationToken));

    /// <summary>The versions of which Redis had a hint when it was loaded; told once.</summary>
    public IReadOnlySet<MovieVersion> TakeHinted() => Interlocked.Exchange(ref _hinted, _none);

    /// <summary>Writes down a resumable upload; false if that cannot be done now.</summary>
    /// <param name="record">Asked when it is written; null: the upload goes.</param>
    public async Task<bool> SaveUploadAsync(UploadId upload, Func<byte[]?> record, CancellationToken cancellationToken) =>
        Attached && await WriteAsync(store.SaveUploadAsync(upload, record, cancellationToken));

    /// <summary>All resumable uploads as they stand in Redis; null when they cannot be had now.</summary>
    public async Task<IReadOnlyList<(string Id, byte[] Record)>?> ReadUploadsAsync() => Attached ? await store.ReadUploadsAsync() : null;

    /// <summary>Writes down where a rebalance stands; false if that cannot be done now.</summary>
    public async Task<bool> SaveRebalanceAsync(byte[]? record, CancellationToken cancellationToken) =>
        Attached && await WriteAsync(store.SaveRebalanceAsync(record, cancellationToken));

    /// <summary>Whether it could be read, and where a rebalance stands in Redis; null: there was none.</summary>
    public async Task<(bool Read, byte[]? Record)> ReadRebalanceAsync() => Attached ? await store.ReadRebalanceAsync() : (false, null);

    /// <summary>A worker holds what the catalog does not know: Redis has lost something.</summary>
    public void NoteWentBack(ReplicaDescription found)
    {
        if (rebuild.WasAbandoned(found.Version)) return;
        BeginRebuild(rebuild.BeganEmpty
            ? "Redis was empty; the catalog is being rebuilt from the workers."
            : "Redis had gone back to an older state; the catalog is being completed from the workers.");
    }

    /// <summary>
    /// A worker knows of that version. All that workers know they were told by masters, and a master hears of a version when it mints it: one that is above everything this master has heard of was minted by a former one, and is not
    /// in what Redis gave us. Whoever holds it may not have come yet, so it is not known what else is missing (docs/decisions/model.md).
    /// </summary>
    public void HearVersion(MovieVersion version)
    {
        if (catalog.Hear(version) && Attached) BeginRebuild(rebuild.BeganEmpty ? Emptied : Behind);
    }

    /// <summary>
    /// Whether a name that is not in the catalog may nevertheless exist. An empty Redis is that of a new cluster only when nobody among the
    /// first workers knows better.
    /// </summary>
    public bool IsUncertain => rebuild.Reason is not null || !Attached || (rebuild.BeganEmpty && (identity.ClusterId.Length == 0 || !registry.AnyRegistered));

    /// <summary>
    /// Whether what is known of names and copies is enough to judge by: not while the catalog is rebuilt, or nodes have not had the time to come. Then somebody may still bring what is missing.
    /// </summary>
    public bool IsSure => registry.Settled && !IsUncertain;

    /// <summary>Whether the catalog is being rebuilt and a further node may still register.</summary>
    public bool NodesMayStillCome => rebuild.Reason is not null && registry.SinceLastRegistration < options.Value.NodeTimeout;

    /// <summary>Ends the rebuilding when no further node has registered for a period and nothing waits to be taken over.</summary>
    public async Task EndRebuildAsync(bool nothingWaits, CancellationToken cancellationToken)
    {
        if (!Attached || !nothingWaits || !registry.AnyRegistered || registry.SinceLastRegistration < options.Value.NodeTimeout) return;
        if (rebuild.Reason is null && !rebuild.BeganEmpty) return;
        lock (registry.Gate)
        {
            if (registry.States.Any(state => state is { Alive: true, Inventory.Complete: false })) return;
        }

        if (await store.MarkCompleteAsync(cancellationToken) is not CommitOutcome.Committed) return;
        if (rebuild.End()) LogRebuilt(catalog.Count);
    }

    public CatalogMemory Memory() => new(
        [.. catalog.Entries.Select(entry => Durable(entry.Name)).OfType<CatalogEntry>()],
        [.. catalog.Tombstones],
        Records(),
        identity.ClusterId.Length > 0 ? identity.ClusterId : null,
        catalog.Highest,
        clock.Age);

    public void Dispose()
    {
        _gate.Dispose();
        _memory.Dispose();
        _nodes.Dispose();
    }

    private async Task LoadAsync(long epoch, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var snapshot = await store.LoadAsync(cancellationToken);
        foreach (var problem in snapshot.Problems) LogProblem(problem);
        using var held = await HoldMemoryAsync(CancellationToken.None);
        catalog.Replace(snapshot.Entries.Values, snapshot.Tombstones.Values, MovieVersion.Max(snapshot.Highest, catalog.Highest));
        clock.Hear(snapshot.ClusterAge);
        registry.Remember(snapshot.Nodes);
        Volatile.Write(ref _hinted, snapshot.Hinted);
        if (snapshot.Empty) rebuild.NoteEmpty();
        // Whoever has beaten while Redis was away has said what Redis does not know, and may not have said yet what it holds.
        if (snapshot.Empty && identity.ClusterId.Length > 0) BeginRebuild(Emptied);
        else if (!snapshot.Empty && snapshot.Incomplete) BeginRebuild("Redis held an incomplete catalog: the workers are asked for what it lacks.");
        else if (catalog.Highest > snapshot.Highest) BeginRebuild(Behind);
        identity.Reign(epoch);
        // Told while we looked: whoever tells it from now on begins the rebuilding himself.
        if (!snapshot.Empty && catalog.Highest > snapshot.Highest) BeginRebuild(Behind);
        // Not earlier: what would be written back into a Redis that went back must be the whole.
        store.Remember(Memory);
        store.Restored += NoteRestored;
        _ = StepDownWhenReplacedAsync();
        if (snapshot.ClusterId is { } known)
        {
            if (identity.ClusterId.Length > 0 && identity.ClusterId != known) LogOtherCluster(known, identity.ClusterId);
            identity.Name(known);
        }
        else if (identity.ClusterId.Length > 0)
        {
            await store.EnsureClusterIdAsync(identity.ClusterId, cancellationToken);
        }

        Volatile.Write(ref _health, await store.CheckAsync(cancellationToken));
        if (Health.Durability is { } durability) LogDurability(durability.Level, durability.Sentence);
        LogLoaded(epoch, snapshot.Entries.Count, snapshot.Tombstones.Count, (long)time.GetElapsedTime(started).TotalMilliseconds);
        Loaded?.Invoke();
    }

    private void NoteRestored(RestoreReport report)
    {
        Restores++;
        LogRestored(report.Reason, report.Entries, report.Tombstones);
        Restored?.Invoke();
    }

    /// <summary>
    /// The first epoch is above every one heard of and not below the clock (milliseconds since 1970). The next number alone would be given twice after Redis
    /// went back: to the master that is replaced and to its successor, and workers could not tell them apart.
    /// </summary>
    private long LowestEpoch() => Math.Max(identity.TokenEpoch, time.GetUtcNow().ToUnixTimeMilliseconds());

    private void BeginRebuild(string reason)
    {
        if (rebuild.Begin(reason)) LogRebuilding(reason);
    }

    private async Task StepDownWhenReplacedAsync() => StepDown(await store.Replaced);

    private void StepDown(long epoch)
    {
        if (Attached) Stop(identity.Epoch, epoch);
    }

    /// <param name="taken">The epoch of this master, whether it has come to reign with it or not.</param>
    private void Stop(long taken, long other)
    {
        LogReplaced(taken, other);
        identity.StepDown();
        Environment.ExitCode = ReplacedExitCode;
        lifetime.StopApplication();
    }

    private async Task<bool> WriteAsync(Task<WriteOutcome> writing)
    {
        switch (await writing)
        {
            case WriteOutcome.Replaced replaced:
                StepDown(replaced.Epoch);
                return false;
            case WriteOutcome.Unavailable:
                return false;
            default:
                return true;
        }
    }

    private List<NodeRecord> Records()
    {
        lock (registry.Gate)
        {
            return [.. registry.States.Select(Record)];
        }
    }

    private static NodeRecord Record(NodeState state) =>
        new(state.Id, state.RingKey, state.Name, state.Address, state.PublicUrl, state.Zone, state.Draining, state.LastHeardAge, state.MaintenanceUntil, state.MaintenanceByAdmin, state.DrainPaused,
            state.DrainBytesPerSecond);

    private sealed class Held(SemaphoreSlim gate) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0) gate.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This master reigns with epoch {Epoch}: {Movies} movies and {Tombstones} tombstones loaded from Redis in {Milliseconds} ms.")]
    private partial void LogLoaded(long epoch, int movies, int tombstones, long milliseconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "A value in Redis could not be read and was left out: {Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis durability: {Level}. {Sentence}")]
    private partial void LogDurability(DurabilityLevel level, string sentence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis: {Sentence}")]
    private partial void LogHealth(string sentence);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Another master took over with epoch {Theirs}; this one (epoch {Ours}) stops. Nothing is lost: workers obey the other.")]
    private partial void LogReplaced(long ours, long theirs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A worker had obeyed epoch {Heard}, which Redis did not know. This master goes on with epoch {Epoch}.")]
    private partial void LogEpochRaised(long heard, long epoch);

    [LoggerMessage(Level = LogLevel.Information, Message = "The cluster is {ClusterId}.")]
    private partial void LogClusterLearned(string clusterId);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Redis belongs to cluster {InRedis}, the workers to {OfWorkers}. They are not mixed: point this master at its own Redis.")]
    private partial void LogOtherCluster(string inRedis, string ofWorkers);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason} Until every worker has reported, a name that is not found is answered 503.")]
    private partial void LogRebuilding(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The catalog is complete again: {Movies} movies.")]
    private partial void LogRebuilt(int movies);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason}. This master wrote its memory back: {Movies} movies, {Tombstones} tombstones.")]
    private partial void LogRestored(string reason, int movies, int tombstones);
}
