using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>What became of a transaction, as far as one attempt can tell.</summary>
internal enum Sent
{
    Applied,

    /// <summary>Redis stands elsewhere than expected, or somebody touched a watched key: nothing was done.</summary>
    Refused,

    /// <summary>It never left this process.</summary>
    NotSent,

    /// <summary>Redis answered that it will not: read-only, out of memory, still loading. Nothing was done.</summary>
    Rejected,

    /// <summary>No answer: it may have been carried out, or may still be, at any later time.</summary>
    Unanswered,
}

/// <summary>The two sentences the master exchanges with Redis: "where do you stand?" and "if you stand there, do this".</summary>
internal sealed class ConditionedRedis(IConnectionMultiplexer connection, StoreKeys keys, IOptions<CatalogStoreOptions> options, TimeProvider time, ChangeMetrics? metrics)
{
    private readonly TimeSpan _timeout = options.Value.RedisOperationTimeout;

    /// <summary>Why the last attempt failed, as a sentence for an operator.</summary>
    public string LastTrouble { get; private set; } = "Redis has not been asked yet.";

    public StoreKeys Keys => keys;

    public IConnectionMultiplexer Connection => connection;

    public bool IsConnected => Database.IsConnected(keys.Epoch);

    public IDatabase Database => connection.GetDatabase();

    /// <summary>Waits a moment before the next attempt.</summary>
    public Task PauseAsync(CancellationToken cancellationToken) => Task.Delay(options.Value.RedisRetryPause, time, cancellationToken);

    /// <summary>
    /// One MULTI/EXEC, conditioned on the whole position. No script: Garnet can carry out half of one when it is killed. Conditions are
    /// awaited synchronously inside StackExchange.Redis, so this may block its thread for the operation timeout.
    /// </summary>
    public async Task<Sent> SendAsync(StorePosition expected, Action<StoreWriter> write)
    {
        if (!IsConnected) return NotSent("There is no connection to Redis.");
        var transaction = Database.CreateTransaction();
        foreach (var condition in Conditions(expected)) transaction.AddCondition(condition);
        var writer = new StoreWriter(transaction, keys);
        write(writer);
        var sent = time.GetTimestamp();
        try
        {
            var applied = await transaction.ExecuteAsync().WaitAsync(_timeout, time).ConfigureAwait(false);
            metrics?.Answered(time.GetElapsedTime(sent));
            if (!applied)
            {
                writer.Forget();
                return Sent.Refused;
            }
        }
        catch (RedisConnectionException e) when (e.FailureType == ConnectionFailureType.UnableToResolvePhysicalConnection && e.CommandStatus != CommandStatus.Sent)
        {
            writer.Forget();
            return NotSent(e.Message);
        }
        catch (RedisServerException e)
        {
            writer.Forget();
            LastTrouble = $"Redis refused a transaction; it is out of memory, read-only or cannot write to its disk, as its own log says: {e.Message}";
            return Sent.Rejected;
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
        {
            writer.Forget();
            LastTrouble = $"Redis did not answer a transaction: {e.Message}";
            return Sent.Unanswered;
        }

        // A key of ours that somebody made a string: the transaction is done but for that command. "Refused" makes the caller look where
        // Redis stands, find a transaction it does not know, and write its memory back.
        if (await writer.FailureAsync().ConfigureAwait(false) is not { } failure) return Sent.Applied;
        LastTrouble = $"Redis carried out only a part of a transaction: {failure.Message}";
        return Sent.Refused;
    }

    /// <summary>
    /// Where Redis stands, or null when it does not say. Garnet may answer from the middle of another master's transaction; that is
    /// harmless, because every conclusion is acted on by a transaction conditioned on exactly what was read.
    /// </summary>
    public async Task<StorePosition?> ReadPositionAsync()
    {
        var values = await ReadAsync(database => database.StringGetAsync(keys.Position)).ConfigureAwait(false);
        return values is null
            ? null
            : new StorePosition(Number(values[0]), Text(values[1]), Number(values[2]), Text(values[3]), Text(values[4]));
    }

    /// <summary>One reading command; null when Redis did not answer it.</summary>
    public async Task<T?> ReadAsync<T>(Func<IDatabase, Task<T>> command) where T : class
    {
        try
        {
            return await command(Database).WaitAsync(_timeout, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
        {
            LastTrouble = $"Redis did not answer: {e.Message}";
            return null;
        }
    }

    private IEnumerable<Condition> Conditions(StorePosition position)
    {
        yield return Is(keys.Epoch, position.Epoch);
        yield return Is(keys.Reign, position.Reign);
        yield return Is(keys.Sequence, position.Sequence);
        yield return Is(keys.Transaction, position.Transaction);
        yield return Is(keys.Marker, position.Marker);
    }

    private static Condition Is(RedisKey key, RedisValue value) =>
        value.IsNull ? Condition.KeyNotExists(key) : Condition.StringEqual(key, value);

    // What is no number is not ours: as good as missing. (A missing value would parse as 0.)
    private static long? Number(RedisValue value) => !value.IsNull && value.TryParse(out long number) ? number : null;

    private static string? Text(RedisValue value) => value.IsNullOrEmpty ? null : (string?)value;

    private Sent NotSent(string trouble)
    {
        LastTrouble = trouble;
        return Sent.NotSent;
    }
}
