using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>A connection on which the test writes whatever bytes it likes, and which it can cut.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<RawConnection> OpenAsync(Uri server, CancellationToken cancellationToken)
    {
        var connection = new RawConnection();
        await connection._socket.ConnectAsync(server.Host, server.Port, cancellationToken);
        return connection;
    }

    public Task WriteAsync(string text, CancellationToken cancellationToken) => WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
            bytes = bytes[await _socket.SendAsync(bytes, cancellationToken)..];
    }

    /// <summary>No bytes follow; answers can still be read.</summary>
    public void EndWriting() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>What the server says up to and with these words, or until it closes, or until a minute has gone.</summary>
    public async Task<string> ReadToAsync(string words, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Patience);
        var said = "";
        var buffer = new byte[4096];
        while (!said.Contains(words, StringComparison.Ordinal) && await _socket.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
            said += Encoding.UTF8.GetString(buffer, 0, read);
        return said;
    }

    /// <summary>All that the server says until it closes, or until a minute has gone.</summary>
    public async Task<string> ReadToEndAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Patience);
        var all = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await _socket.ReceiveAsync(buffer, patience.Token)) > 0;)
                all.Write(buffer, 0, read);
        }
        catch (SocketException)
        {
            // Cut off by the server: what it said before counts.
        }
        return Encoding.UTF8.GetString(all.ToArray());
    }

    /// <summary>The client's machine is gone: a reset, and nothing more.</summary>
    public void Cut()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();
}
