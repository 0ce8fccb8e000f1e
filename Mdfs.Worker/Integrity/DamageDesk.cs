using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// Where every finding of a bad block, or of a file that is gone, arrives: the replica is condemned, the master hears of it at once, and a node on which too many go bad
/// takes no more uploads, since its disk is dying (design, section 2.3).
/// </summary>
internal sealed partial class DamageDesk(ReplicaStore store, DirectoryWatch watch, BeatBell bell, TimeProvider time, ILogger<DamageDesk> logger)
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

    /// <summary>For who could not open a replica: one that should be here, and is not, is damage.</summary>
    /// <returns>False: it went by right, or the whole disk is away and nothing is known about it.</returns>
    public async Task<bool> ReportLostAsync(HeldReplica held, CancellationToken cancellation)
    {
        if (!await store.IsLostAsync(held, cancellation)) return false;
        // What it saw with the last beat may be over: a disk that has just been unmounted lacks every file.
        await watch.RunOnceAsync(cancellation);
        if (watch.Trouble is not null) return false;
        Report(held, "its file is gone or cannot be opened");
        return true;
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "More than {Tolerated} replicas were found damaged within an hour: the disk is failing. This node takes no more uploads until it is restarted.")]
    private partial void LogClosed(int tolerated);
}
