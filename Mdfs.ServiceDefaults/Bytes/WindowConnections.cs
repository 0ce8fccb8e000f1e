using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Security;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>The connections of one service on which windows are asked for, kept for the next one.</summary>
internal sealed class WindowConnections : IDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentStack<WindowConnection>> _idle = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private bool _disposed;

    public WindowConnections(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static self => ((WindowConnections)self!).CloseIdle(), this, ByteClient.MaxIdle, ByteClient.MaxIdle / 2);
    }

    /// <summary>
    /// A window, ready to be read and to be given to <see cref="Release"/>. Null: the answer has another status, and whoever understands all of HTTP has to ask again.
    /// </summary>
    /// <exception cref="IOException">No connection, or one that broke.</exception>
    /// <exception cref="InvalidDataException">200, but not with exactly that length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or no connection was made in time.</exception>
    public async ValueTask<WindowConnection?> TryOpenAsync(string address, string target, string token, long length, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp) return null;
        var request = Request(uri, target, token);
        while (true)
        {
            var kept = Take(address);
            var connection = kept ?? await OpenAsync(uri, cancellation);
            var good = false;
            try
            {
                var answer = await connection.AskAsync(request, length, cancellation);
                good = answer == WindowConnection.Answer.Window;
                if (good) return connection;
                if (answer == WindowConnection.Answer.Other) return null;
                if (kept is null) throw new IOException("the connection ended before its answer");
            }
            finally
            {
                if (!good) connection.Dispose();
            }
        }
    }

    /// <summary>Kept if it was read to its end; else it is closed, which stops the sender.</summary>
    public void Release(string address, WindowConnection connection)
    {
        if (connection.Remaining > 0 || !connection.Lasts || _disposed)
        {
            connection.Dispose();
            return;
        }

        connection.IdleSince = _time.GetUtcNow();
        _idle.GetOrAdd(address, static _ => new ConcurrentStack<WindowConnection>()).Push(connection);
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
        foreach (var stack in _idle.Values)
        {
            while (stack.TryPop(out var connection)) connection.Dispose();
        }
    }

    private static string Request(Uri address, string target, string token)
    {
        var request = new StringBuilder(512);
        request.Append("GET ").Append(target).Append(" HTTP/1.1\r\nHost: ").Append(address.Authority).Append("\r\n").Append(NodeTokens.Header).Append(": ").Append(token).Append("\r\n");
        // The trace goes on at the far side.
        DistributedContextPropagator.Current.Inject(Activity.Current, request, static (carrier, name, value) => ((StringBuilder)carrier!).Append(name).Append(": ").Append(value).Append("\r\n"));
        return request.Append("\r\n").ToString();
    }

    private async ValueTask<WindowConnection> OpenAsync(Uri address, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(ByteClient.ConnectTimeout);
        try
        {
            return new WindowConnection(await ProbedConnection.ConnectAsync(new DnsEndPoint(address.IdnHost, address.Port), limit.Token), _time.GetUtcNow());
        }
        catch (System.Net.Sockets.SocketException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    private WindowConnection? Take(string address)
    {
        if (!_idle.TryGetValue(address, out var stack)) return null;
        while (stack.TryPop(out var connection))
        {
            if (IsFresh(connection) && !connection.IsStale) return connection;
            connection.Dispose();
        }

        return null;
    }

    private bool IsFresh(WindowConnection connection)
    {
        var now = _time.GetUtcNow();
        return now - connection.IdleSince < ByteClient.MaxIdle && now - connection.Opened < ByteClient.MaxLife;
    }

    private void CloseIdle()
    {
        foreach (var (address, stack) in _idle)
        {
            // Those on top are used; what lies below them is not needed.
            var all = new WindowConnection[Math.Max(1, stack.Count)];
            var count = stack.TryPopRange(all);
            for (var i = count - 1; i >= 0; i--)
            {
                if (IsFresh(all[i]) && !_disposed) stack.Push(all[i]);
                else all[i].Dispose();
            }

            if (count == 0) _idle.TryRemove(KeyValuePair.Create(address, stack));
        }
    }
}
