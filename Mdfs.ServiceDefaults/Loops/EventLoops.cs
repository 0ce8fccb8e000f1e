using System.Net.Sockets;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The loops of one service, one per processor. Started with the first connection.</summary>
internal sealed class EventLoops(int count, LoopTelemetry telemetry, ILogger logger) : IDisposable
{
    private readonly Lock _starting = new();
    private readonly LargestPieces _largest = new();
    private readonly LargestPieces _unread = new();
    private EventLoop[]? _loops;
    private uint _next;
    private bool _disposed;

    /// <summary>Gives a connection to one of the loops. False: they have ended.</summary>
    public bool TryServe(Socket socket, ILoopServer server, Action<Socket> handOver)
    {
        if (Started() is not { } loops) return false;
        // sendfile knows no other way not to wait.
        socket.Blocking = false;
        var loop = loops[Interlocked.Increment(ref _next) % loops.Length];
        loop.Post(static with =>
        {
            var (loop, connection) = ((EventLoop, LoopConnection))with;
            if (loop.HasEnded)
            {
                connection.Abandon();
                return;
            }

            loop.Add(connection);
            connection.Opened();
        }, (loop, new LoopConnection(loop, socket, _largest, _unread, server, telemetry, handOver)));
        return true;
    }

    /// <summary>Begins no more requests, and returns when those that were begun have been answered.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        EventLoop[] loops;
        lock (_starting) loops = _loops ?? [];
        foreach (var loop in loops) loop.Post(static loop => ((EventLoop)loop).Drain(), loop);
        while (loops.Any(static loop => !loop.HasEnded && (!loop.IsDraining || loop.Busy > 0)) && !cancellation.IsCancellationRequested)
            await Task.Delay(20, CancellationToken.None);
        Dispose();
    }

    public void Dispose()
    {
        lock (_starting)
        {
            _disposed = true;
            foreach (var loop in _loops ?? []) loop.Dispose();
            _loops = null;
        }
    }

    private EventLoop[]? Started()
    {
        if (Volatile.Read(ref _loops) is { } loops) return loops;
        lock (_starting)
        {
            return _disposed ? null : _loops ??= [.. Enumerable.Range(1, count).Select(number => new EventLoop($"bytes {number}", logger))];
        }
    }
}
