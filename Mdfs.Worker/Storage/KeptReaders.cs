using Mdfs.Protocol.Versions;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Readers of replicas from which a window was read a moment ago, kept open for the next one. A player asks for piece after piece, and opening and closing a replica and its sidecar takes a
/// dozen calls of the system where a small window needs five.
/// </summary>
internal sealed class KeptReaders : IDisposable
{
    // Two or three open files and 4 KiB each.
    private const int Most = 64;

    // From its opening on, however busy it is: what somebody did to the files behind our back is noticed no later, and what was deleted gives its room back.
    private static readonly TimeSpan _life = TimeSpan.FromSeconds(2);

    private readonly DataDirectory _directory;
    private readonly Inventory _inventory;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<ReplicaReader> _idle = [];
    private readonly ITimer _timer;
    private readonly DirectBuffers _buffers;
    private bool _disposed;

    public KeptReaders(DataDirectory directory, Inventory inventory, DirectBuffers buffers, TimeProvider time)
    {
        _buffers = buffers;
        (_directory, _inventory, _time) = (directory, inventory, time);
        _timer = time.CreateTimer(static self => ((KeptReaders)self!).CloseOld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Of the files that are here now. Null: not here.</summary>
    /// <param name="once">For a copy, after which it is not soon read again.</param>
    public ReplicaReader? Open(MovieVersion version, bool once = false) =>
        _inventory.TryGet(version, out var held) ? For(once, Take(held) ?? ReplicaReader.Open(_directory.ReplicaPath(version), held, this)) : null;

    /// <summary>Of the files that are here now, if somebody had them open a moment ago, so that nothing has to be waited for.</summary>
    public ReplicaReader? TryTake(MovieVersion version, bool once = false) => _inventory.TryGet(version, out var held) ? For(once, Take(held)) : null;

    /// <summary>Kept, unless it is old, has met anything bad, or there are enough.</summary>
    /// <returns>False: whoever gives it has to close it.</returns>
    public bool TryKeep(ReplicaReader reader)
    {
        if (!reader.IsSound || IsOld(reader)) return false;
        lock (_lock)
        {
            if (_disposed || _idle.Count >= Most) return false;
            if (_idle.Count == 0) _timer.Change(_life, Timeout.InfiniteTimeSpan);
            _idle.Add(reader);
            return true;
        }
    }

    public long Now => _time.GetTimestamp();

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer.Dispose();
            foreach (var reader in _idle) reader.Close();
            _idle.Clear();
        }
    }

    private ReplicaReader? For(bool once, ReplicaReader? reader)
    {
        if (once) reader?.ReadOnce(_buffers);
        return reader;
    }

    // What was healed or replaced has another generation, and is opened anew.
    private ReplicaReader? Take(HeldReplica held)
    {
        lock (_lock)
        {
            var at = _idle.FindLastIndex(reader => reader.Version == held.Report.Replica.Version && reader.Held.Generation == held.Generation && !IsOld(reader));
            if (at < 0) return null;
            var found = _idle[at];
            _idle.RemoveAt(at);
            return found;
        }
    }

    private void CloseOld()
    {
        lock (_lock)
        {
            // Each is judged once: what became old between two looks would be let go without being closed.
            _idle.RemoveAll(reader =>
            {
                if (!IsOld(reader)) return false;
                reader.Close();
                return true;
            });
            if (!_disposed && _idle.Count > 0) _timer.Change(_life, Timeout.InfiniteTimeSpan);
        }
    }

    private bool IsOld(ReplicaReader reader) => _time.GetElapsedTime(reader.Opened) >= _life;
}
