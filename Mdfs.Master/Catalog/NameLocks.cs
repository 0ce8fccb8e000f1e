using System.Collections.Concurrent;
using Mdfs.Protocol.Names;

namespace Mdfs.Master.Catalog;

/// <summary>
/// One lock per name, made when wanted and gone when free. Held for a commit or a deletion, never during a transfer (design, section 4).
/// </summary>
public sealed class NameLocks
{
    private readonly ConcurrentDictionary<FileName, Entry> _entries = new();

    /// <summary>Waits for the lock, but not longer than the time: it may be held by a transaction that Redis has not answered. Null: not got.</summary>
    public async Task<IDisposable?> AcquireWithinAsync(FileName name, TimeSpan patience, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(patience, time);
        try
        {
            return await AcquireAsync(name, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public async Task<IDisposable> AcquireAsync(FileName name, CancellationToken cancellationToken)
    {
        while (true)
        {
            var entry = _entries.GetOrAdd(name, static _ => new Entry());
            if (!entry.TryEnter()) continue;
            try
            {
                await entry.Gate.WaitAsync(cancellationToken);
                return new Holder(this, name, entry);
            }
            catch
            {
                Leave(name, entry);
                throw;
            }
        }
    }

    /// <summary>Takes the lock only if nobody holds it, for work that can come back later.</summary>
    public IDisposable? TryAcquire(FileName name)
    {
        while (true)
        {
            var entry = _entries.GetOrAdd(name, static _ => new Entry());
            if (!entry.TryEnter()) continue;
            if (entry.Gate.Wait(0)) return new Holder(this, name, entry);
            Leave(name, entry);
            return null;
        }
    }

    /// <summary>Whether somebody commits or deletes under this name at this moment, or waits to.</summary>
    public bool IsHeld(FileName name) => _entries.ContainsKey(name);

    /// <summary>Names that are locked or waited for.</summary>
    public int Count => _entries.Count;

    private void Leave(FileName name, Entry entry)
    {
        if (entry.Exit()) _entries.TryRemove(KeyValuePair.Create(name, entry));
    }

    private sealed class Entry
    {
        // Number of holders and waiters; -1 once the entry was taken out of the dictionary.
        private int _users;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public bool TryEnter()
        {
            lock (Gate)
            {
                if (_users < 0) return false;
                _users++;
                return true;
            }
        }

        public bool Exit()
        {
            lock (Gate)
            {
                if (--_users > 0) return false;
                _users = -1;
                return true;
            }
        }
    }

    private sealed class Holder(NameLocks locks, FileName name, Entry entry) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) != 0) return;
            entry.Gate.Release();
            locks.Leave(name, entry);
        }
    }
}
