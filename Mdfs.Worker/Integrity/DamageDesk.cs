using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// Where every finding of a bad block arrives: the replica is condemned, the master hears of it at once, and a node on which too many go bad
/// takes no more uploads, since its disk is dying (design, section 2.3).
/// </summary>
internal sealed partial class DamageDesk(ReplicaStore store, BeatBell bell, TimeProvider time, ILogger<DamageDesk> logger)
{
    /// <summary>More than this many damaged replicas within <see cref="Window"/> close the node for writes.</summary>
    public const int Tolerated = 5;

    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    private readonly Lock _state = new();
    private readonly Queue<long> _recent = new();
    private string? _closed;

    /// <summary>Why this node takes no uploads, or null. It stays closed until somebody has looked after the disk and starts it again.</summary>
    public string? ClosedForWrites
    {
        get { lock (_state) return _closed; }
    }

    public void Report(HeldReplica held, string reason)
    {
        if (!store.MarkDamaged(held, reason)) return;
        lock (_state)
        {
            _recent.Enqueue(time.GetTimestamp());
            while (time.GetElapsedTime(_recent.Peek()) > Window) _recent.Dequeue();
            if (_recent.Count > Tolerated && _closed is null)
            {
                _closed = $"More than {Tolerated} replicas were found damaged within an hour: check the disk of this node, then restart it.";
                LogClosed(Tolerated);
            }
        }

        bell.Ring();
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "More than {Tolerated} replicas were found damaged within an hour: the disk is failing. This node takes no more uploads until it is restarted.")]
    private partial void LogClosed(int tolerated);
}
