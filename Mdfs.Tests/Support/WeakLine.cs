using System.Net;
using System.Net.Sockets;

namespace Mdfs.Tests.Support;

/// <summary>A network between a client and a server that fails once, after so many bytes in one direction: it breaks, or nothing moves any more. It counts what went through.</summary>
public sealed class WeakLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _upstream;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Direction _up = new();
    private readonly Direction _down = new();

    public WeakLine(Uri server)
    {
        _upstream = new IPEndPoint(IPAddress.Loopback, server.Port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Bytes that clients sent.</summary>
    public long Up => Interlocked.Read(ref _up.Bytes);

    /// <summary>Bytes that the server sent.</summary>
    public long Down => Interlocked.Read(ref _down.Bytes);

    /// <summary>Completes when it has failed.</summary>
    public Task Failed => _failed.Task;

    /// <summary>Both ends hear that the connection broke; the next one is good.</summary>
    public WeakLine BreaksAfter(long? up = null, long? down = null) => Fails(up, down, hold: false);

    /// <summary>Nothing moves any more, on this connection.</summary>
    public WeakLine HoldsAfter(long? up = null, long? down = null) => Fails(up, down, hold: true);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        _stop.Dispose();
    }

    private WeakLine Fails(long? up, long? down, bool hold)
    {
        (_up.Limit, _up.Hold) = (up ?? long.MaxValue, hold);
        (_down.Limit, _down.Hold) = (down ?? long.MaxValue, hold);
        return this;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = LinkAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task LinkAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                await server.ConnectAsync(_upstream, _stop.Token);
                await Task.WhenAny(PumpAsync(client, server, _up), PumpAsync(server, client, _down)).Unwrap();
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One end is gone; the other hears of it.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Direction direction)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
        {
            if (Interlocked.Add(ref direction.Bytes, count) >= Interlocked.Read(ref direction.Limit))
            {
                Interlocked.Exchange(ref direction.Limit, long.MaxValue);
                _failed.TrySetResult();
                if (direction.Hold) await Task.Delay(Timeout.Infinite, _stop.Token);
                return;
            }

            for (var sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
        }
    }

    private sealed class Direction
    {
        public long Bytes;
        public long Limit = long.MaxValue;
        public bool Hold;
    }
}
