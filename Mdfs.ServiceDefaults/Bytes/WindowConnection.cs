using System.Buffers;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// A connection on which one node asks another for windows, one after the other. It understands the one answer that such a request has when all is well, and nothing else; what that
/// saves, against a client for all of HTTP, is most of the work for a small window.
/// </summary>
internal sealed class WindowConnection(Socket socket, DateTimeOffset opened) : IDisposable
{
    /// <summary>What came of asking.</summary>
    public enum Answer
    {
        Window,

        /// <summary>The connection ended before anything was said: it may have been closed before it was asked.</summary>
        Closed,

        /// <summary>Another status.</summary>
        Other,
    }

    // Several times what our nodes write. Bytes of the window that come with the header are copied out of here, and no others.
    private const int HeaderRoom = 4096;

    private byte[]? _buffer;
    private int _start;
    private int _end;

    public DateTimeOffset Opened => opened;

    /// <summary>When the last window ended.</summary>
    public DateTimeOffset IdleSince { get; set; }

    /// <summary>Whether the far side closed it, or said something out of turn. Only to be asked while it is idle.</summary>
    public bool IsStale => socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Bytes of the window that have not been read yet.</summary>
    public long Remaining { get; private set; }

    /// <summary>Whether another window may be asked for once this one has been read.</summary>
    public bool Lasts { get; private set; }

    /// <summary>Asks for a window. After anything but <see cref="Answer.Window"/> the connection is of no more use.</summary>
    /// <exception cref="IOException">It broke.</exception>
    /// <exception cref="InvalidDataException">200, but not with exactly that length.</exception>
    public async ValueTask<Answer> AskAsync(string request, long length, CancellationToken cancellation)
    {
        (_start, _end, Remaining) = (0, 0, 0);
        var buffer = _buffer = ArrayPool<byte>.Shared.Rent(HeaderRoom);
        try
        {
            if (request.Length > buffer.Length) return Answer.Other;
            await socket.SendAsync(buffer.AsMemory(0, Encoding.ASCII.GetBytes(request, buffer)), SocketFlags.None, cancellation);
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(_end, buffer.Length - _end), SocketFlags.None, cancellation);
                // Before the first byte that is a connection which had been closed in the meantime.
                if (read == 0) return _end == 0 ? Answer.Closed : throw new IOException("the connection ended within the header of its answer");
                _end += read;
                var head = WindowHead.Read(buffer.AsSpan(0, _end), length);
                if (head.Verdict == WindowVerdict.Incomplete)
                {
                    if (_end == buffer.Length) return Answer.Other;
                    continue;
                }

                (_start, Remaining, Lasts) = (head.Length, length, head.Lasts);
                if (head.Verdict == WindowVerdict.Other) return Answer.Other;
                return head.Verdict == WindowVerdict.Window ? Answer.Window : throw new InvalidDataException($"it offered something else than {length} bytes");
            }
        }
        catch (SocketException error) when (_end == 0 && error.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return Answer.Closed;
        }
        catch (SocketException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    /// <summary>Reads what is there of the window, waiting for at least one byte; 0: its end, or the connection's.</summary>
    /// <exception cref="IOException">It broke.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (Remaining < buffer.Length) buffer = buffer[..(int)Remaining];
        if (buffer.IsEmpty) return 0;
        var taken = 0;
        try
        {
            if (_buffer is not null)
            {
                taken = Math.Min(buffer.Length, _end - _start);
                _buffer.AsMemory(_start, taken).CopyTo(buffer);
                _start += taken;
                if (_start == _end) Forget();
                buffer = buffer[taken..];
                // What else is there comes along, so that a small window is one piece.
                if (taken > 0 && (buffer.IsEmpty || socket.Available == 0)) return taken;
            }

            return taken += await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation);
        }
        catch (SocketException error)
        {
            throw new IOException(error.Message, error);
        }
        finally
        {
            Remaining -= taken;
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        Forget();
    }

    private void Forget()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
    }
}
