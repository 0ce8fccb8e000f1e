using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>
/// The durable memory of the master: its catalog in Redis (design, sections 2.6, 2.7 and 4). In this order: <see cref="TakeEpochAsync"/>,
/// <see cref="LoadAsync"/>, <see cref="Remember"/>, then changes; <see cref="CheckAsync"/> every few seconds throughout. One store per
/// master; the connection belongs to the caller and must be set up by <see cref="RedisSettings"/>.
/// </summary>
public sealed partial class CatalogStore : IAsyncDisposable
{
    private const int HintsPerWrite = 1000;
    private const int LoadAttempts = 5;

    private readonly ConditionedRedis _redis;
    private readonly StoreLane _lane;
    private readonly Committer _committer;
    private readonly CommittedTail _tail;
    private readonly MemoryRestorer _restorer;
    private readonly TimeProvider _time;
    private readonly CatalogStoreOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private readonly string _reign = StorePosition.NewId();
    private volatile Func<CatalogMemory>? _recall;
    private volatile RedisDurability? _durability;
    private volatile string? _clusterId;
    private volatile bool _loaded;
    private bool _empty;
    private double _clusterAge;
    private MovieVersion _highest;
    private int _connects;
    private int _inspectedConnects = -1;

    /// <param name="metrics">Null: nobody measures.</param>
    public CatalogStore(IConnectionMultiplexer connection, IOptions<CatalogStoreOptions> options, TimeProvider time, ILogger<CatalogStore> logger, ChangeMetrics? metrics = null)
    {
        _options = options.Value;
        _time = time;
        _logger = logger;
        _redis = new ConditionedRedis(connection, new StoreKeys(_options.RedisKeyPrefix), options, time, metrics);
        _tail = new CommittedTail(time);
        _restorer = new MemoryRestorer(_redis, Recall, time, logger);
        _lane = new StoreLane(_redis, _restorer, _stopped.Token);
        _committer = new Committer(_redis, _lane, _options.CommitWait, time, _stopped.Token, logger);
        connection.ConnectionRestored += OnReconnected;
    }

    /// <summary>Raised after the memory was written back into Redis, before anything else is written. Handlers must not wait.</summary>
    public event Action<RestoreReport>? Restored
    {
        add => _restorer.Restored += value;
        remove => _restorer.Restored -= value;
    }

    /// <summary>Ends with the epoch of the master that replaced this one, which must then stop; never ends otherwise.</summary>
    public Task<long> Replaced => _lane.Replaced;

    /// <summary>The epoch of this master; null before it was taken.</summary>
    public long? Epoch => _lane.Mine?.Epoch;

    /// <summary>The cluster id that stands in Redis, as far as this master knows; null: none yet.</summary>
    public string? ClusterId => _clusterId;

    /// <summary>As inspected at the last connect; null before the first.</summary>
    public RedisDurability? Durability => _durability;

    /// <summary>
    /// Takes an epoch above what Redis holds and above <paramref name="above"/>. For a master that reigns already: raises its own, after
    /// it has heard of a higher one that Redis does not know. Waits for Redis at most <see cref="CatalogStoreOptions.CommitWait"/>.
    /// </summary>
    public Task<EpochOutcome> TakeEpochAsync(long above, CancellationToken cancellationToken) =>
        InLaneAsync<EpochOutcome>(_options.CommitWait, giveUp => TakeEpochInLaneAsync(above, giveUp), reason => new EpochOutcome.Unavailable(reason), cancellationToken);

    /// <summary>Reads everything, as of one sequence number. Needs the epoch, so that no other master writes meanwhile.</summary>
    /// <exception cref="StoreUnavailableException">Redis does not answer, or does not stand still.</exception>
    public async Task<StoreSnapshot> LoadAsync(CancellationToken cancellationToken)
    {
        if (_lane.Mine is null) throw new InvalidOperationException("The catalog is loaded after the epoch was taken.");
        var snapshot = await InLaneAsync<StoreSnapshot?>(_options.CommitWait, giveUp => LoadInLaneAsync(giveUp, cancellationToken), _ => null, cancellationToken).ConfigureAwait(false);
        return snapshot ?? throw new StoreUnavailableException($"The catalog could not be loaded from Redis. {_redis.LastTrouble}");
    }

    /// <summary>
    /// Says where the memory is that Redis is rebuilt from. It is asked from another thread, and must hold everything that was loaded and
    /// every change committed since, except those of the last two minutes, which the store remembers itself; nothing that was not committed.
    /// </summary>
    public void Remember(Func<CatalogMemory> recall) => _recall = recall;

    /// <summary>
    /// Commits one change; several callers are served in order. Cancelling helps only as long as nothing was sent: after that the outcome
    /// is waited for like without.
    /// </summary>
    /// <exception cref="OperationCanceledException">Nothing was sent and nothing will be.</exception>
    public Task<CommitOutcome> CommitAsync(CatalogChange change, CancellationToken cancellationToken)
    {
        RequireSense(change);
        return _committer.CommitAsync(writer => Write(writer, change), position => position.Next(), () => OnCommitted(change), cancellationToken);
    }

    /// <summary>What Redis holds is all there is: the workers have told everything, or there is nothing to tell. Ends <see cref="StoreSnapshot.Incomplete"/>.</summary>
    public Task<CommitOutcome> MarkCompleteAsync(CancellationToken cancellationToken) =>
        _committer.CommitAsync(_ => { }, position => position.Next() with { Marker = null }, () => { }, cancellationToken);

    public Task<WriteOutcome> SaveNodeAsync(NodeRecord node, CancellationToken cancellationToken) =>
        WriteAsync(writer => writer.Save([node]), cancellationToken);

    public Task<WriteOutcome> RemoveNodeAsync(NodeId node, CancellationToken cancellationToken) =>
        WriteAsync(writer => writer.Remove(node), cancellationToken);

    /// <summary>Writes hints in batches; ends at the first batch that fails.</summary>
    public async Task<WriteOutcome> SaveHoldersAsync(IReadOnlyCollection<HolderHint> hints, CancellationToken cancellationToken)
    {
        foreach (var batch in hints.Chunk(HintsPerWrite))
        {
            var outcome = await WriteAsync(writer => writer.Save(batch), cancellationToken).ConfigureAwait(false);
            if (outcome is not WriteOutcome.Written) return outcome;
        }

        return new WriteOutcome.Written();
    }

    /// <summary>Keeps how far a resumable upload has come. Fenced like every write: a master that was replaced writes nothing any more.</summary>
    /// <param name="record">Asked when it is written, so that the newest wins whoever is first in the lane; null: the upload goes.</param>
    public Task<WriteOutcome> SaveUploadAsync(UploadId upload, Func<byte[]?> record, CancellationToken cancellationToken) =>
        WriteAsync(writer => writer.Save(upload, record()), cancellationToken);

    /// <summary>All resumable uploads as they stand in Redis; null when it does not answer.</summary>
    public async Task<IReadOnlyList<(string Id, byte[] Record)>?> ReadUploadsAsync()
    {
        var found = await _redis.ReadAsync(database => database.HashGetAllAsync(_redis.Keys.Uploads)).ConfigureAwait(false);
        return found is null ? null : [.. found.Select(entry => (entry.Name.ToString(), (byte[])entry.Value!))];
    }

    /// <summary>Keeps where a rebalance stands, fenced like every write.</summary>
    /// <param name="record">Null: it goes.</param>
    public Task<WriteOutcome> SaveRebalanceAsync(byte[]? record, CancellationToken cancellationToken) => WriteAsync(writer => writer.Rebalance(record), cancellationToken);

    /// <summary>Whether Redis answered, and where a rebalance stands; null: there was none.</summary>
    public async Task<(bool Read, byte[]? Record)> ReadRebalanceAsync()
    {
        var found = await _redis.ReadAsync(async database => new[] { await database.StringGetAsync(_redis.Keys.Rebalance).ConfigureAwait(false) }).ConfigureAwait(false);
        return found is [var value] ? (true, (byte[]?)value) : (false, null);
    }

    /// <summary>Keeps the cluster age; a lower one than Redis holds changes nothing.</summary>
    public Task<WriteOutcome> SaveClusterAgeAsync(double seconds, CancellationToken cancellationToken) =>
        InLaneAsync(_options.RedisOperationTimeout, async giveUp =>
        {
            if (seconds <= _clusterAge) return new WriteOutcome.Written();
            var outcome = await WriteInLaneAsync(writer => writer.ClusterAge(seconds), giveUp).ConfigureAwait(false);
            if (outcome is WriteOutcome.Written) _clusterAge = seconds;
            return outcome;
        }, reason => new WriteOutcome.Unavailable(reason), cancellationToken);

    /// <summary>Gives the cluster its id unless it has one; <see cref="ClusterId"/> says which one it has.</summary>
    public Task<WriteOutcome> EnsureClusterIdAsync(string proposed, CancellationToken cancellationToken) =>
        InLaneAsync(_options.RedisOperationTimeout, async giveUp =>
        {
            if (!_loaded) throw new InvalidOperationException("The cluster id is known after the catalog was loaded.");
            if (_clusterId is not null) return new WriteOutcome.Written();
            var outcome = await WriteInLaneAsync(writer => writer.ClusterId(proposed), giveUp).ConfigureAwait(false);
            if (outcome is WriteOutcome.Written) _clusterId = proposed;
            return outcome;
        }, reason => new WriteOutcome.Unavailable(reason), cancellationToken);

    /// <summary>
    /// Asks Redis where it stands; writes the memory back when it went back, settles what can be settled, and inspects its settings after
    /// every connect. To be run every few seconds, and when a higher epoch was heard of. Takes at most a few operation timeouts, unless a
    /// restore is needed.
    /// </summary>
    public async Task<StoreHealth> CheckAsync(CancellationToken cancellationToken)
    {
        RestoreReport? restored = null;
        void Note(RestoreReport report) => restored = report;
        Restored += Note;
        try
        {
            var (state, sentence) = await InLaneAsync(_options.RedisOperationTimeout, CheckInLaneAsync, _ => _redis.IsConnected
                ? (StoreState.Settling, $"A change of the catalog is being settled. {_redis.LastTrouble}")
                : (StoreState.Unreachable, "There is no connection to Redis."), cancellationToken).ConfigureAwait(false);
            return new StoreHealth(state, sentence, _lane.ReplacedBy, restored, _durability);
        }
        finally
        {
            Restored -= Note;
        }
    }

    /// <summary>Stops settling. A settlement that is still open is cancelled: then only the next start knows how it ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _redis.Connection.ConnectionRestored -= OnReconnected;
        await _stopped.CancelAsync().ConfigureAwait(false);
    }

    private CatalogMemory? Recall()
    {
        if (_recall?.Invoke() is not { } memory) return null;
        var whole = _tail.Over(memory);
        return whole with
        {
            ClusterId = whole.ClusterId ?? _clusterId,
            ClusterAge = Math.Max(whole.ClusterAge, _clusterAge),
            Highest = MovieVersion.Max(whole.Highest, _highest),
        };
    }

    private async Task<EpochOutcome> TakeEpochInLaneAsync(long above, Func<bool> giveUp)
    {
        while (true)
        {
            if (giveUp()) return new EpochOutcome.Unavailable(_redis.LastTrouble);
            await InspectAsync().ConfigureAwait(false);
            await ForgetLostEpochAsync().ConfigureAwait(false);
            if (_lane.Mine is null && _durability?.Refusal is { } refusal) return new EpochOutcome.Refused(refusal);
            var ended = _lane.Mine is null ? await TakeFirstAsync(above).ConfigureAwait(false) : await RaiseAsync(above, giveUp).ConfigureAwait(false);
            if (ended is not null) return ended;
            await _redis.PauseAsync(_stopped.Token).ConfigureAwait(false);
        }
    }

    // Repeating is harmless: of several attempts one wins, and the mark tells that it was ours.
    private async Task<EpochOutcome?> TakeFirstAsync(long above)
    {
        if (_durability is null || await _redis.ReadPositionAsync().ConfigureAwait(false) is not { } stored) return null;
        // Ours and yet not above: Redis has lost that it was raised (ForgetLostEpochAsync).
        if (stored.Reign != _reign || stored.Epoch <= above)
        {
            if (stored.Reign != _reign) _empty = stored.Sequence is null;
            var next = stored with { Epoch = Math.Max(stored.Epoch ?? 0, above) + 1, Reign = _reign };
            // From the first moment on an empty Redis says that it is not complete, so that a master that dies while it learns from the
            // workers leaves no half that looks like a whole.
            if (_empty) next = next with { Sequence = 0, Transaction = StorePosition.NewId(), Marker = StorePosition.Rebuilding };
            if (await _redis.SendAsync(stored, writer => writer.Position(next)).ConfigureAwait(false) != Sent.Applied) return null;
            stored = next;
        }

        _lane.Mine = stored;
        LogEpoch(stored.Epoch!.Value);
        return new EpochOutcome.Taken(stored.Epoch.Value);
    }

    private async Task<EpochOutcome?> RaiseAsync(long above, Func<bool> giveUp)
    {
        switch (await _lane.AlignAsync(giveUp).ConfigureAwait(false))
        {
            case Alignment.Replaced: return new EpochOutcome.Replaced(_lane.ReplacedBy!.Value);
            case Alignment.GivenUp: return null;
        }

        var mine = _lane.Mine!;
        if (mine.Epoch <= above)
        {
            var next = mine with { Epoch = above + 1 };
            if (await _redis.SendAsync(mine, writer => writer.Position(next)).ConfigureAwait(false) != Sent.Applied) return null;
            _lane.Mine = mine = next;
            LogEpoch(above + 1);
        }

        return new EpochOutcome.Taken(mine.Epoch!.Value);
    }

    /// <summary>
    /// Before the catalog was loaded there is no memory to write back into a Redis that went back, and nothing has been done under the epoch that it lost. So another is taken, as if by a master that has just
    /// begun.
    /// </summary>
    private async Task ForgetLostEpochAsync()
    {
        if (_loaded || _lane.Mine is not { } mine || await _redis.ReadPositionAsync().ConfigureAwait(false) is not { } stored) return;
        if (PositionVerdict.Judge(stored, mine) is not PositionVerdict.WentBack back) return;
        LogLostEpoch(back.Reason, mine.Epoch!.Value);
        (_lane.Mine, _lane.Doubt) = (null, null);
    }

    private async Task<StoreSnapshot?> LoadInLaneAsync(Func<bool> giveUp, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < LoadAttempts && !giveUp(); attempt++)
        {
            await ForgetLostEpochAsync().ConfigureAwait(false);
            if (_lane.Mine is null || await _lane.AlignAsync(giveUp).ConfigureAwait(false) != Alignment.Current) break;
            try
            {
                var snapshot = await new CatalogLoader(_redis.Database, _redis.Keys).LoadAsync(_lane.Mine!, _empty, cancellationToken).ConfigureAwait(false);
                if (await _redis.ReadPositionAsync().ConfigureAwait(false) != _lane.Mine) continue;
                _clusterId = snapshot.ClusterId;
                _clusterAge = snapshot.ClusterAge;
                _highest = snapshot.Highest;
                _loaded = true;
                return snapshot;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                LogLoadFailed(e);
                await _redis.PauseAsync(_stopped.Token).ConfigureAwait(false);
            }
        }

        return null;
    }

    private async Task<(StoreState, string)> CheckInLaneAsync(Func<bool> giveUp)
    {
        if (_lane.Mine is null) return (StoreState.NotOpened, "No epoch was taken yet.");
        var alignment = await _lane.AlignAsync(() => giveUp() || !_redis.IsConnected).ConfigureAwait(false);
        if (alignment == Alignment.Replaced) return (StoreState.Replaced, $"Another master reigns, with epoch {_lane.ReplacedBy}.");
        if (alignment == Alignment.GivenUp) return (StoreState.Unreachable, _redis.IsConnected ? _redis.LastTrouble : "There is no connection to Redis.");
        await InspectAsync().ConfigureAwait(false);
        if (!_loaded) return (StoreState.NotOpened, "The catalog was not loaded yet.");
        return (StoreState.Serving, _durability?.Refusal ?? "Redis holds the catalog.");
    }

    private async Task InspectAsync()
    {
        var connects = Volatile.Read(ref _connects);
        // Before its first reign a master asks without a connection too: the refusal tells the operator why there is none (a password, protected mode).
        if (connects == _inspectedConnects || (!_redis.IsConnected && _lane.Mine is not null)) return;
        if (await RedisInspector.InspectAsync(_redis).ConfigureAwait(false) is not { } durability) return;
        _inspectedConnects = connects;
        if (durability.Refusal is { } refusal) LogRefused(refusal);
        else if (durability.Level != DurabilityLevel.Strong && durability != _durability) LogDurability(durability.Server, durability.Sentence);
        _durability = durability;
    }

    private Task<WriteOutcome> WriteAsync(Action<StoreWriter> write, CancellationToken cancellationToken) =>
        InLaneAsync(_options.RedisOperationTimeout, giveUp => WriteInLaneAsync(write, giveUp), reason => new WriteOutcome.Unavailable(reason), cancellationToken);

    private async Task<WriteOutcome> WriteInLaneAsync(Action<StoreWriter> write, Func<bool> giveUp)
    {
        if (_lane.Mine is null) throw new InvalidOperationException("Nothing can be written before the epoch was taken.");
        while (true)
        {
            switch (await _lane.AlignAsync(giveUp).ConfigureAwait(false))
            {
                case Alignment.Replaced: return new WriteOutcome.Replaced(_lane.ReplacedBy!.Value);
                case Alignment.GivenUp: return new WriteOutcome.Unavailable(_redis.LastTrouble);
            }

            switch (await _redis.SendAsync(_lane.Mine!, write).ConfigureAwait(false))
            {
                case Sent.Applied:
                    return new WriteOutcome.Written();
                case Sent.Unanswered:
                    // It may land late, over something newer: whoever writes next fences it off first.
                    _lane.Doubt = new Doubt(_lane.Mine!.Next(), null);
                    return new WriteOutcome.Unavailable(_redis.LastTrouble);
                default:
                    await _redis.PauseAsync(_stopped.Token).ConfigureAwait(false);
                    continue;
            }
        }
    }

    /// <summary>Runs in the lane, on a thread of the pool because sending may block; gives up waiting for Redis after the time.</summary>
    private async Task<T> InLaneAsync<T>(TimeSpan patience, Func<Func<bool>, Task<T>> work, Func<string, T> busy, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        if (!await _lane.EnterAsync(patience, cancellationToken).ConfigureAwait(false)) return busy($"A change of the catalog is being settled. {_redis.LastTrouble}");
        var result = await Task.Run(async () =>
        {
            try
            {
                return await work(() => cancellationToken.IsCancellationRequested || _time.GetElapsedTime(started) > patience).ConfigureAwait(false);
            }
            finally
            {
                _lane.Leave();
            }
        }, CancellationToken.None).ConfigureAwait(false);
        return result;
    }

    private void Write(StoreWriter writer, CatalogChange change)
    {
        writer.Remove(change.Remove);
        writer.Put(change.Put);
        writer.Forget(change.Forget);
        writer.Bury(change.Bury);
        writer.Highest(MovieVersion.Max(_highest, change.Highest));
    }

    private void OnCommitted(CatalogChange change)
    {
        _highest = MovieVersion.Max(_highest, change.Highest);
        _tail.Add(change);
    }

    private static void RequireSense(CatalogChange change)
    {
        var names = new HashSet<FileName>();
        if (!change.Put.Select(entry => entry.Name).Concat(change.Remove).All(names.Add))
            throw new ArgumentException("A change puts or removes a name once.", nameof(change));
        names.Clear();
        if (!change.Bury.Select(tombstone => tombstone.Name).Concat(change.Forget).All(names.Add))
            throw new ArgumentException("A change buries or forgets a name once.", nameof(change));
    }

    private void OnReconnected(object? sender, ConnectionFailedEventArgs e) => Interlocked.Increment(ref _connects);

    [LoggerMessage(Level = LogLevel.Information, Message = "This master reigns with epoch {Epoch}.")]
    private partial void LogEpoch(long epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}. Nothing was done under epoch {Epoch} yet: another one is taken.")]
    private partial void LogLostEpoch(string reason, long epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The catalog could not be read from Redis; trying again.")]
    private partial void LogLoadFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Server}: {Sentence}")]
    private partial void LogDurability(string server, string sentence);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Refusal}")]
    private partial void LogRefused(string refusal);
}
