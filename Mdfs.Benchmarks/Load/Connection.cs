using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.Benchmarks.Load;

/// <summary>A client that costs little: one connection, requests one after the other, bodies thrown away.</summary>
internal sealed class Connection : IDisposable
{
    private const int LargestHeader = 16 * 1024;

    private readonly Socket _socket;
    private readonly Uri _server;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    private Connection(Socket socket, Uri server, int buffer) => (_socket, _server, _buffer) = (socket, server, new byte[buffer]);

    /// <param name="window">Bytes that the system may hold for us before we take them; null: as it likes.</param>
    public static async Task<Connection> OpenAsync(Uri server, int buffer = 256 * 1024, int? window = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (window is { } bytes) socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(server.Host, server.Port);
        return new Connection(socket, server, buffer);
    }

    /// <summary>Sends a request and reads the header of its answer: status, length of the body, and Location.</summary>
    public async Task<(int Status, long Length, string? Location)> AskAsync(string method, string target, string headers = "")
    {
        await _socket.SendAsync(Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: {_server.Authority}\r\n{headers}\r\n"));
        return await ReadHeaderAsync(method == "HEAD");
    }

    /// <summary>Sends a body of that length after the request, and reads the answer.</summary>
    public async Task<int> PutAsync(string target, long length, string headers)
    {
        await _socket.SendAsync(Encoding.ASCII.GetBytes($"PUT {target} HTTP/1.1\r\nHost: {_server.Authority}\r\nContent-Length: {length}\r\n{headers}\r\n"));
        for (var left = length; left > 0;) left -= await _socket.SendAsync(Noise.Of(left));
        var (status, answer, _) = await ReadHeaderAsync(head: false);
        await DrainAsync(answer);
        return status;
    }

    /// <summary>Takes so many bytes of the body.</summary>
    /// <exception cref="IOException">The connection has ended before.</exception>
    public async Task DrainAsync(long length)
    {
        while (length > 0) length -= await TakeAsync(length);
    }

    /// <summary>Takes what is there, at most so much.</summary>
    public async ValueTask<int> TakeAsync(long most)
    {
        if (_start < _end)
        {
            var kept = (int)Math.Min(_end - _start, most);
            _start += kept;
            return kept;
        }

        var read = await _socket.ReceiveAsync(_buffer.AsMemory(0, (int)Math.Min(_buffer.Length, most)));
        return read > 0 ? read : throw new IOException("The connection ended in the middle of a body.");
    }

    public void Dispose() => _socket.Dispose();

    private async Task<(int Status, long Length, string? Location)> ReadHeaderAsync(bool head)
    {
        (_start, _end) = (0, 0);
        while (true)
        {
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(_end, Math.Min(_buffer.Length, LargestHeader) - _end));
            if (read == 0) throw new IOException("The connection ended in the middle of a header.");
            _end += read;
            var end = _buffer.AsSpan(0, _end).IndexOf("\r\n\r\n"u8);
            if (end < 0) continue;
            var lines = Encoding.Latin1.GetString(_buffer, 0, end).Split("\r\n");
            _start = end + 4;
            var status = int.Parse(lines[0].AsSpan(9, 3), CultureInfo.InvariantCulture);
            var length = head || status == 304 ? 0 : long.Parse(Header("Content-Length") ?? "0", CultureInfo.InvariantCulture);
            return (status, length, Header("Location"));

            string? Header(string name) => lines.FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
        }
    }
}

/// <summary>Bytes to send: noise, so that nobody saves anything by them being alike.</summary>
internal static class Noise
{
    private static readonly byte[] _bytes = Make();

    public static ReadOnlyMemory<byte> Of(long length) => _bytes.AsMemory(0, (int)Math.Min(_bytes.Length, length));

    private static byte[] Make()
    {
        var bytes = new byte[1 << 20];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
