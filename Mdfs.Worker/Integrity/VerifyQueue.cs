using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Heartbeats;

namespace Mdfs.Worker.Integrity;

/// <summary>Replicas to be re-read in the background, one after the other: the master's verify orders, and sidecars that turned out to be bad.</summary>
internal sealed partial class VerifyQueue(ReplicaVerifier verifier, BeatBell bell, TimeProvider time, ILogger<VerifyQueue> logger)
    : PeriodicService(time, static () => Timeout.InfiniteTimeSpan, logger)
{
    private readonly ConcurrentQueue<MovieVersion> _order = new();
    private readonly ConcurrentDictionary<MovieVersion, bool> _waiting = new();

    public void Add(MovieVersion version)
    {
        if (!_waiting.TryAdd(version, true)) return;
        _order.Enqueue(version);
        Wake();
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_order.IsEmpty) return;
        while (_order.TryDequeue(out var version))
        {
            try
            {
                await verifier.VerifyAsync(version, cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // A full disk has no room for mended checksums, as a rule. The others are read all the same, and this one when it is asked for again.
                LogNotRead(error, version);
            }
            finally
            {
                // Only now: orders repeat with every beat until the result has been heard, and must not make a second reading of the same bytes.
                _waiting.TryRemove(version, out _);
            }
        }

        bell.Ring();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Re-reading version {Version} came to no end; nothing is known about it until it is re-read again.")]
    private partial void LogNotRead(Exception error, MovieVersion version);
}
