using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>What happens to a transaction when its EXEC passes the <see cref="RedisProxy"/>.</summary>
public enum ExecFate
{
    Forward,

    /// <summary>The connection breaks; the server never sees the EXEC.</summary>
    Cut,

    /// <summary>The server carries it out; the connection breaks before its answer comes through.</summary>
    CutAnswer,

    /// <summary>The EXEC is on its way to the server, the client's connection breaks at once.</summary>
    CutClient,

    /// <summary>The client's connection breaks; the EXEC waits for <see cref="RedisProxy.ReleaseAsync"/>, as in a frozen server's socket.</summary>
    Hold,
}

/// <summary>A network between a client and a Redis server that can fail at the worst moment: around the EXEC of a transaction.</summary>
public sealed class RedisProxy : IAsyncDisposable
{
    private const string Marker = "the-answers-before-this-belong-to-the-transaction";

    private static readonly byte[] _exec = "*1\r\n$4\r\nEXEC\r\n"u8.ToArray();
    private static readonly byte[] _echo = Encoding.ASCII.GetBytes($"*2\r\n$4\r\nECHO\r\n${Marker.Length}\r\n{Marker}\r\n");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _upstream;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Link> _links = [];
    private Func<Task<ExecFate>>? _onExec;
    private volatile bool _refusing;
    private volatile Link? _held;
    private int _execs;

    public RedisProxy(int upstream)
    {
        _upstream = upstream;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>EXECs that clients have sent so far.</summary>
    public int Execs => Volatile.Read(ref _execs);

    /// <summary>An EXEC is waiting for <see cref="ReleaseAsync"/>.</summary>
    public bool Holds => _held is not null;

    /// <summary>Asked at the next EXEC, once.</summary>
    public void AtNextExec(Func<Task<ExecFate>> fate) => Interlocked.Exchange(ref _onExec, fate);

    public void AtNextExec(ExecFate fate) => AtNextExec(() => Task.FromResult(fate));

    /// <summary>Breaks all connections, and new ones as soon as they are made, until <see cref="Accept"/>.</summary>
    public void Refuse()
    {
        _refusing = true;
        lock (_lock)
        {
            foreach (var link in _links) link.Client.Dispose();
        }
    }

    public void Accept() => _refusing = false;

    /// <summary>Lets the held EXEC go to the server, and returns all that the server answers to it, in its protocol.</summary>
    public async Task<string> ReleaseAsync(CancellationToken cancellationToken)
    {
        var held = _held ?? throw new InvalidOperationException("Nothing is held.");
        _held = null;
        return await held.FinishAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        lock (_lock)
        {
            foreach (var link in _links) link.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            if (_refusing) client.Dispose();
            else _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var link = new Link(client);
        lock (_lock) _links.Add(link);
        try
        {
            await link.Server.ConnectAsync(IPAddress.Loopback, _upstream, _stop.Token);
            var back = link.AnswersAsync(_stop.Token);
            await Task.WhenAny(back, RequestsAsync(link));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
        finally
        {
            client.Dispose();
            if (!link.Kept) link.Dispose();
        }
    }

    private async Task RequestsAsync(Link link)
    {
        var buffer = new byte[64 * 1024];
        var filled = 0;
        while (await link.Client.ReceiveAsync(buffer.AsMemory(filled), _stop.Token) is > 0 and var read)
        {
            filled += read;
            var done = 0;
            while (buffer.AsSpan(done, filled - done).IndexOf(_exec) is >= 0 and var at)
            {
                await link.ToServerAsync(buffer.AsMemory(done, at), _stop.Token);
                done += at + _exec.Length;
                if (!await OnExecAsync(link)) return;
            }

            // The end may be the beginning of an EXEC: it waits for the next bytes.
            var keep = Enumerable.Range(1, Math.Min(_exec.Length - 1, filled - done)).Reverse()
                .FirstOrDefault(length => buffer.AsSpan(filled - length, length).SequenceEqual(_exec.AsSpan(0, length)));
            await link.ToServerAsync(buffer.AsMemory(done, filled - done - keep), _stop.Token);
            buffer.AsSpan(filled - keep, keep).CopyTo(buffer);
            filled = keep;
        }
    }

    private async Task<bool> OnExecAsync(Link link)
    {
        Interlocked.Increment(ref _execs);
        var fate = Interlocked.Exchange(ref _onExec, null) is { } ask ? await ask() : ExecFate.Forward;
        switch (fate)
        {
            case ExecFate.Forward:
                await link.ToServerAsync(_exec, _stop.Token);
                return true;
            case ExecFate.CutAnswer:
                link.Swallow();
                await link.FinishAsync(_stop.Token);
                break;
            case ExecFate.CutClient:
                link.Swallow();
                link.Kept = true;
                await link.ToServerAsync(_exec, _stop.Token);
                break;
            case ExecFate.Hold:
                link.Swallow();
                link.Kept = true;
                _held = link;
                break;
        }

        link.Client.Dispose();
        return false;
    }

    private sealed class Link(Socket client) : IDisposable
    {
        private readonly TaskCompletionSource<string> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly StringBuilder _swallowed = new();
        private volatile bool _swallowing;

        public Socket Client => client;

        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        /// <summary>The server's side outlives the client's.</summary>
        public bool Kept { get; set; }

        /// <summary>From here on the client hears nothing.</summary>
        public void Swallow() => _swallowing = true;

        public async Task ToServerAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            while (!bytes.IsEmpty) bytes = bytes[await Server.SendAsync(bytes, cancellationToken)..];
        }

        /// <summary>Sends the EXEC and waits until the server has answered it.</summary>
        public async Task<string> FinishAsync(CancellationToken cancellationToken)
        {
            await ToServerAsync(_exec, cancellationToken);
            await ToServerAsync(_echo, cancellationToken);
            return await _finished.Task.WaitAsync(cancellationToken);
        }

        public async Task AnswersAsync(CancellationToken cancellationToken)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await Server.ReceiveAsync(buffer, cancellationToken) is > 0 and var read)
                {
                    if (!_swallowing && await ToClientAsync(buffer.AsMemory(0, read), cancellationToken)) continue;
                    _swallowed.Append(Encoding.ASCII.GetString(buffer, 0, read));
                    if (_swallowed.ToString().Contains(Marker, StringComparison.Ordinal)) _finished.TrySetResult(_swallowed.ToString());
                }
            }
            finally
            {
                // The server went away instead of answering.
                _finished.TrySetResult(_swallowed.ToString());
            }
        }

        private async Task<bool> ToClientAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            try
            {
                while (!bytes.IsEmpty) bytes = bytes[await client.SendAsync(bytes, cancellationToken)..];
                return true;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The client is gone; what it sent before may still be on its way to the server.
                _swallowing = true;
                return false;
            }
        }

        public void Dispose()
        {
            client.Dispose();
            Server.Dispose();
        }
    }
}
