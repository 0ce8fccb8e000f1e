using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Heartbeats;

namespace Mdfs.Worker.Integrity;

/// <summary>Replicas to be re-read in the background, one after the other: the master's verify orders, and sidecars that turned out to be bad.</summary>
internal sealed partial class VerifyQueue(ReplicaVerifier verifier, BeatBell bell, TimeProvider time, ILogger<VerifyQueue> logger)
    : PeriodicService(time, static () => Timeout.InfiniteTimeSpan, logger)
{
    /// <summary>One that came to no end is not read again for so long, however often it is asked for: a full disk stays full for a while, and a movie is large.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentQueue<MovieVersion> _order = new();
    private readonly ConcurrentDictionary<MovieVersion, bool> _waiting = new();
    private readonly ConcurrentDictionary<MovieVersion, long> _failed = new();

    /// <returns>False: it waits already, or was tried in vain just now.</returns>
    public bool Add(MovieVersion version)
    {
        if (_failed.TryGetValue(version, out var at) && Time.GetElapsedTime(at) < Pause) return false;
        if (!_waiting.TryAdd(version, true)) return false;
        _order.Enqueue(version);
        Wake();
        return true;
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_order.IsEmpty) return;
        while (_order.TryDequeue(out var version))
        {
            try
            {
                await verifier.VerifyAsync(version, cancellationToken);
                _failed.TryRemove(version, out _);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // A full disk has no room for mended checksums, as a rule. The others are read all the same, and this one when it is asked for again, in a while.
                _failed[version] = Time.GetTimestamp();
                LogNotRead(error, version, Pause);
            }
            finally
            {
                // Only now: orders repeat with every beat until the result has been heard, and must not make a second reading of the same bytes.
                _waiting.TryRemove(version, out _);
            }
        }

        bell.Ring();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Re-reading version {Version} came to no end; nothing is known about it until it is re-read again, in {Pause} at the earliest.")]
    private partial void LogNotRead(Exception error, MovieVersion version, TimeSpan pause);
}
