using System.Net;
using System.Net.Sockets;

namespace Mdfs.Tests.Support;

/// <summary>A stretch of network in front of a service, which can become slow and can break.</summary>
public sealed class TcpLane : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _upstream;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _sockets = [];
    private long _bytesPerSecond = long.MaxValue;

    public TcpLane(int upstream)
    {
        _upstream = upstream;
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>What comes back from the service, on each connection; as it was again with <see cref="long.MaxValue"/>.</summary>
    public long BytesPerSecond
    {
        get => Interlocked.Read(ref _bytesPerSecond);
        set => Interlocked.Exchange(ref _bytesPerSecond, value);
    }

    /// <summary>Resets every connection there is; new ones are taken.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            foreach (var socket in _sockets)
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Dispose();
            }

            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_lock)
        {
            _sockets.Add(client);
            _sockets.Add(server);
        }

        try
        {
            await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _upstream), _stop.Token);
            await Task.WhenAny(PumpAsync(client, server, slow: false), PumpAsync(server, client, slow: true));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Either side has gone, and the other with it.
        }
        finally
        {
            lock (_lock)
            {
                _sockets.Remove(client);
                _sockets.Remove(server);
            }

            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool slow)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var rate = slow ? BytesPerSecond : long.MaxValue;
                var read = await from.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, Math.Max(1, rate / 10))), _stop.Token);
                if (read == 0) return;
                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
                if (rate != long.MaxValue) await Task.Delay(TimeSpan.FromSeconds((double)read / rate), _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // As above.
        }
    }
}
