using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Mdfs.Web.Sessions;

/// <summary>
/// The sessions, kept in Redis so that they outlive a restart and so that signing out ends one on every server. What was found valid a moment
/// ago is remembered: while Redis is away whoever was signed in stays so on this server, and nobody new comes in.
/// </summary>
/// <remarks>
/// Each record carries a proof made with the admin key: a new key ends all sessions, and who can write to Redis but has no key cannot make one. Signing
/// out everywhere raises a generation that every record names, so that nothing has to be searched for.
/// </remarks>
public sealed partial class SessionStore(ConsoleRedis redis, IOptions<WebOptions> options, IOptions<AdminKeyOptions> keys, TimeProvider time, ILogger<SessionStore> logger)
{
    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(2);

    // While Redis is away, who was here so lately stays in.
    private static readonly TimeSpan _unused = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    // Sessions whose pages are open on this server, and how many pages: they are in use, although their browsers ask for nothing.
    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);

    // Ended while Redis was away; told to it when it is back.
    private readonly ConcurrentDictionary<string, bool> _owed = new(StringComparer.Ordinal);
    private volatile bool _oweAll;

    /// <summary>Sessions of this server that have ended, by handle; null: all of them.</summary>
    public event Action<string?>? Ended;

    /// <summary>A new session's id, for the cookie; null when Redis is away, and then nobody can sign in.</summary>
    public async Task<string?> CreateAsync(string? address)
    {
        if (_oweAll) await SettleAsync();
        var id = ConsoleSession.NewId();
        var handle = ConsoleSession.HandleOf(id);
        try
        {
            if (_oweAll) return null;
            var generation = (string?)await redis.Database.StringGetAsync(GenerationKey) ?? "0";
            var now = time.GetUtcNow();
            var record = new SessionRecord(now, address, Proof(handle), generation);
            await redis.Database.StringSetAsync(Key(handle), JsonSerializer.Serialize(record), Expiry(now));
            return id;
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            LogAway(failure.Message);
            return null;
        }
    }

    /// <summary>The session that a cookie names, or null.</summary>
    public async ValueTask<ConsoleSession?> FindAsync(string? id)
    {
        if (id is null) return null;
        var handle = ConsoleSession.HandleOf(id);
        if (_known.TryGetValue(handle, out var known) && time.GetElapsedTime(known.CheckedAt) < _fresh && IsAlive(known.Session)) return known.Session;
        return await CheckAsync(handle, ConsoleSession.TokenOf(id));
    }

    /// <summary>A page of this session is open, until it is disposed of.</summary>
    public IDisposable Open(string handle)
    {
        _open.AddOrUpdate(handle, 1, static (_, count) => count + 1);
        return new OpenPage(this, handle);
    }

    /// <summary>Ends a session here and on every other server.</summary>
    public async Task EndAsync(string handle)
    {
        _owed[handle] = true;
        Forget(handle);
        await SettleAsync();
    }

    /// <summary>Ends every session there is.</summary>
    public async Task EndAllAsync()
    {
        _oweAll = true;
        _known.Clear();
        Ended?.Invoke(null);
        await SettleAsync();
    }

    /// <summary>Looks at every session that pages of this server use, and tells those that have ended elsewhere; called every few seconds.</summary>
    public async Task ReviewAsync()
    {
        await SettleAsync();
        foreach (var (handle, known) in _known)
        {
            var open = _open.ContainsKey(handle);
            if (!open && time.GetElapsedTime(known.CheckedAt) > _unused) _known.TryRemove(handle, out _);
            else if (open && await CheckAsync(handle, known.Session.Token) is null) Forget(handle);
        }
    }

    private async Task<ConsoleSession?> CheckAsync(string handle, string token)
    {
        if (_oweAll || _owed.ContainsKey(handle)) return null;
        try
        {
            var values = await redis.Database.StringGetAsync([Key(handle), GenerationKey]);
            if (Read(values[0]) is not { } record || record.Generation != ((string?)values[1] ?? "0") || !IsProven(handle, record))
            {
                Forget(handle);
                return null;
            }

            var session = new ConsoleSession(handle, token, record.CreatedAt, record.Address);
            if (!IsAlive(session))
            {
                Forget(handle);
                return null;
            }

            // Signed out while Redis was being asked: that counts more.
            if (_oweAll || _owed.ContainsKey(handle)) return null;
            _known[handle] = new Known(session, time.GetTimestamp());
            await redis.Database.KeyExpireAsync(Key(handle), Expiry(record.CreatedAt), flags: CommandFlags.FireAndForget);
            return session;
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            return _known.TryGetValue(handle, out var known) && IsAlive(known.Session) ? known.Session : null;
        }
    }

    private async Task SettleAsync()
    {
        if (!_oweAll && _owed.IsEmpty) return;
        try
        {
            if (_oweAll)
            {
                await redis.Database.StringIncrementAsync(GenerationKey);
                _oweAll = false;
            }

            foreach (var handle in _owed.Keys)
            {
                await redis.Database.KeyDeleteAsync(Key(handle));
                _owed.TryRemove(handle, out _);
            }
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            LogOwed(_owed.Count + (_oweAll ? 1 : 0));
        }
    }

    private void Forget(string handle)
    {
        if (_known.TryRemove(handle, out _)) Ended?.Invoke(handle);
    }

    private bool IsAlive(ConsoleSession session) => time.GetUtcNow() - session.CreatedAt < options.Value.SessionLife;

    private TimeSpan Expiry(DateTimeOffset createdAt)
    {
        var left = options.Value.SessionLife - (time.GetUtcNow() - createdAt);
        var expiry = left < options.Value.SessionIdle ? left : options.Value.SessionIdle;
        return expiry > TimeSpan.FromSeconds(1) ? expiry : TimeSpan.FromSeconds(1);
    }

    private static SessionRecord? Read(RedisValue value)
    {
        try
        {
            return value.IsNullOrEmpty ? null : JsonSerializer.Deserialize<SessionRecord>((string)value!);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private bool IsProven(string handle, SessionRecord record) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(record.Proof ?? ""), Encoding.UTF8.GetBytes(Proof(handle)));

    private string Proof(string handle) => Convert.ToHexStringLower(
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(keys.Value.AdminKey!), Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"mdfs/console/session/1/{handle}"))));

    private RedisKey Key(string handle) => $"{redis.Prefix}session:{handle}";

    private RedisKey GenerationKey => redis.Prefix + "generation";

    private void Close(string handle)
    {
        while (_open.TryGetValue(handle, out var count))
        {
            if (count > 1 ? _open.TryUpdate(handle, count - 1, count) : _open.TryRemove(KeyValuePair.Create(handle, count))) return;
        }
    }

    private sealed class OpenPage(SessionStore store, string handle) : IDisposable
    {
        private int _closed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _closed, 1) == 0) store.Close(handle);
        }
    }

    private sealed record Known(ConsoleSession Session, long CheckedAt);

    private sealed record SessionRecord(DateTimeOffset CreatedAt, string? Address, string? Proof, string? Generation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis does not answer, so nobody can sign in to the console: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis does not answer: {Count} sessions are signed out on this server, and will be everywhere when it is back.")]
    private partial void LogOwed(int count);
}
