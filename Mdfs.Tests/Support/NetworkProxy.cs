using System.Net;
using System.Net.Sockets;

namespace Mdfs.Tests.Support;

/// <summary>A network between a client and a server: it counts, it can be slow or silent, and it can be cut and mended.</summary>
public sealed class NetworkProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Socket> _open = [];
    private readonly int _upstream;
    private volatile bool _cut;
    private volatile TaskCompletionSource? _hush;
    private long _sent;

    public NetworkProxy(int upstream)
    {
        _upstream = upstream;
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Bytes that clients have sent through it.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Most bytes per second that a client gets through; 0: as many as there are.</summary>
    public int Rate { get; set; }

    /// <summary>Every connection breaks, and no new one comes about, until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        _cut = true;
        lock (_lock)
        {
            foreach (var socket in _open) socket.Dispose();
            _open.Clear();
        }
    }

    /// <summary>Nothing moves any more, and nobody hears of it; what is on its way arrives with <see cref="Mend"/>.</summary>
    public void Hush() => _hush ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Mend()
    {
        _cut = false;
        (var hush, _hush) = (_hush, null);
        hush?.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                if (_cut) client.Dispose();
                else _ = ServeAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        lock (_lock) _open.AddRange([client, server]);
        try
        {
            await QuietAsync();
            await server.ConnectAsync(IPAddress.Loopback, _upstream, _stop.Token);
            await Task.WhenAny(CarryAsync(client, server, counted: true), CarryAsync(server, client, counted: false));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
        finally
        {
            client.Dispose();
            lock (_lock) _open.RemoveAll(socket => socket == client || socket == server);
        }
    }

    private Task QuietAsync() => _hush?.Task.WaitAsync(_stop.Token) ?? Task.CompletedTask;

    private async Task CarryAsync(Socket from, Socket to, bool counted)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
            {
                await QuietAsync();
                for (var rest = buffer.AsMemory(0, read); !rest.IsEmpty;) rest = rest[await to.SendAsync(rest, _stop.Token)..];
                if (!counted) continue;
                Interlocked.Add(ref _sent, read);
                if (Rate is > 0 and var rate) await Task.Delay(TimeSpan.FromSeconds((double)read / rate), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
