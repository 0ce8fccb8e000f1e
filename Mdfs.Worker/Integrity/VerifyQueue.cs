using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Heartbeats;

namespace Mdfs.Worker.Integrity;

/// <summary>Replicas to be re-read in the background, one after the other: the master's verify orders, and sidecars that turned out to be bad.</summary>
internal sealed class VerifyQueue(ReplicaVerifier verifier, BeatBell bell, TimeProvider time, ILogger<VerifyQueue> logger)
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
            await verifier.VerifyAsync(version, cancellationToken);
            // Only now: orders repeat with every beat until the result has been heard, and must not make a second reading of the same bytes.
            _waiting.TryRemove(version, out _);
        }

        bell.Ring();
    }
}
