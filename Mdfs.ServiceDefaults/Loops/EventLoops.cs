using System.Net.Sockets;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The loops of one service, one per processor. Started with the first connection.</summary>
internal sealed class EventLoops : IDisposable
{
    private readonly int _mostLoops;
    private readonly LoopTelemetry _telemetry;
    private readonly ILogger _logger;
    private readonly Lock _starting = new();
    private readonly LargestPieces _largest = new();
    private readonly LargestPieces _unread = new();
    private EventLoop[]? _loops;
    private uint _next;
    private bool _disposed;

    public EventLoops(int count, LoopTelemetry telemetry, ILogger logger)
    {
        (_mostLoops, _telemetry, _logger) = (count, telemetry, logger);
        telemetry.Count(() => (Volatile.Read(ref _loops) ?? []).Sum(static loop => loop.Clients));
    }

    /// <summary>Gives a connection to one of the loops. False: they have ended.</summary>
    public bool TryServe(Socket socket, ILoopServer server, LoopClients clients)
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
        }, (loop, new LoopConnection(loop, socket, _largest, _unread, server, _telemetry, clients)));
        return true;
    }

    /// <summary>
    /// Begins no more requests of these clients, and returns when those that were begun have been answered, or nobody waits for it any longer: then the rest is cut off. What came in by other listeners
    /// is not disturbed: the server closes a single one whenever its settings or its certificate change. So the loops end with the service, and not with a listener.
    /// </summary>
    public async Task DrainAsync(LoopClients clients, CancellationToken cancellation)
    {
        clients.Leave();
        EventLoop[] loops;
        lock (_starting) loops = _loops ?? [];
        while ((await Task.WhenAll(loops.Select(loop => loop.DrainAsync(clients, abandon: false)))).Sum() > 0 && !cancellation.IsCancellationRequested)
            await Task.Delay(20, CancellationToken.None);
        await Task.WhenAll(loops.Select(loop => loop.DrainAsync(clients, abandon: true)));
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
            return _disposed ? null : _loops ??= [.. Enumerable.Range(1, _mostLoops).Select(number => new EventLoop($"bytes {number}", _logger))];
        }
    }
}
