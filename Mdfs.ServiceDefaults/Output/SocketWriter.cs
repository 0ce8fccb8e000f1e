using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>
/// What a server writes on a plain connection, put into the socket by whoever flushes: without the pipe in between, its copy, and the send loop of another thread behind it. Small
/// writes, such as headers, are gathered until then. A body may pass by it altogether: see <see cref="TryClaim"/>.
/// </summary>
internal sealed class SocketWriter(Socket socket, ConnectionContext connection, PipeWriter original) : PipeWriter
{
    /// <summary>What is sent in order to wait: there is no waiting for room in a socket but by sending something. Of its own memory, so that nothing else is held meanwhile.</summary>
    public const int Page = 4096;

    private const int MostAtOnce = 1 << 20;

    // Handed out instead of memory while a body is claimed: whoever gets exactly this has nobody between himself and this writer.
    private static readonly Memory<byte> _mark = new byte[1];

    private byte[]? _gathered;
    private int _used;
    private bool _claiming;
    private long _owed;
    private Task _sending = Task.CompletedTask;
    private TaskCompletionSource? _cancelled;
    private bool _cancelNext;
    private volatile bool _broken;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _used;

    /// <summary>What has been written and not yet flushed: it goes first.</summary>
    public ReadOnlySpan<byte> Gathered => _gathered.AsSpan(0, _used);

    /// <summary>
    /// The next bytes of a response's body will be sent by <see cref="SendAsync"/>. The server counts them as written (so that it holds to its Content-Length), without ever seeing them; if
    /// not all have been sent when it flushes next, the connection is given up. False, and nothing has happened: something stands between the response and this connection.
    /// </summary>
    /// <param name="body">The writer of a response that has been started.</param>
    public bool TryClaim(PipeWriter body, long length)
    {
        _claiming = true;
        try
        {
            for (var left = length; left > 0;)
            {
                if (!body.GetMemory(1).Equals(_mark)) return false;
                var step = (int)Math.Min(left, int.MaxValue);
                body.Advance(step);
                left -= step;
            }

            return true;
        }
        finally
        {
            _claiming = false;
        }
    }

    /// <summary>
    /// Sends a part of what was claimed. What has been gathered is either in front of it, told by <paramref name="gathered"/>, or was flushed before. False: the connection is
    /// broken. After a cancellation nobody knows how much was sent, and the connection has to be given up.
    /// </summary>
    public ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, int gathered, CancellationToken cancellation)
    {
        if (_broken) return new ValueTask<bool>(false);
        Pay(bytes.Length - gathered, gathered);
        Forget();
        return TrySendAsync(bytes, cancellation);
    }

    /// <summary>As much of a part of what was claimed as the socket takes without waiting. -1: the connection is broken.</summary>
    public int SendNow(ReadOnlySpan<byte> bytes)
    {
        if (_broken) return -1;
        var sent = 0;
        while (sent < bytes.Length)
        {
            var (went, error) = Kernel.Send(socket, bytes[sent..]);
            sent += went;
            if (error is SocketError.Success or SocketError.Interrupted) continue;
            if (error != SocketError.WouldBlock)
            {
                Break(new ConnectionAbortedException("The far side of the connection is gone."));
                return -1;
            }

            break;
        }

        Pay(sent, 0);
        return sent;
    }

    /// <summary>Sends a part of what was claimed out of a file, by the kernel. See <see cref="BodyOutput.SendFileAsync"/>.</summary>
    public async ValueTask<long> SendFileAsync(SafeFileHandle file, long from, long count, CancellationToken cancellation)
    {
        if (_broken) return -1;
        if (_used > 0 || count > _owed) throw new InvalidOperationException("Bytes would be sent that nobody has claimed, or in front of others that are older.");
        var sent = 0L;
        while (sent < count)
        {
            var (went, error) = Kernel.SendFile(socket, file, from + sent, (int)Math.Min(count - sent, MostAtOnce));
            sent += went;
            _owed -= went;
            switch (error)
            {
                case SocketError.Success when went == 0:
                case SocketError.OperationNotSupported:
                    return sent;
                case SocketError.ConnectionReset:
                    Break(new ConnectionAbortedException("The far side of the connection is gone."));
                    return -1;
                case SocketError.WouldBlock:
                    var waited = await SendLittleAsync(file, from + sent, count - sent, cancellation);
                    if (waited <= 0) return waited < 0 ? -1 : sent;
                    sent += waited;
                    break;
            }
        }

        return sent;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_claiming) return _mark;
        var room = (_gathered?.Length ?? 0) - _used;
        if (room == 0 || room < sizeHint) Grow(Math.Max(sizeHint, 1));
        return _gathered.AsMemory(_used);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_claiming)
        {
            _owed += bytes;
            return;
        }

        if (bytes < 0 || bytes > (_gathered?.Length ?? 0) - _used) throw new ArgumentOutOfRangeException(nameof(bytes));
        _used += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        // Never short without saying so.
        if (_owed > 0) Break(new ConnectionAbortedException("A response ended before all of its bytes were sent."));
        if (_broken) return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
        if (_sending.IsCompleted)
        {
            if (_used == 0) return new ValueTask<FlushResult>(Flushed());
            var sending = SendGatheredAsync();
            if (sending.IsCompletedSuccessfully) return new ValueTask<FlushResult>(Flushed());
            _sending = sending.AsTask();
        }

        return WaitAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        if (_cancelled is { } waiting) waiting.TrySetResult();
        else _cancelNext = true;
    }

    public override void Complete(Exception? exception = null) => _ = CompleteAsync(exception).AsTask();

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        await FinishAsync();
        await original.CompleteAsync(exception);
    }

    /// <summary>What was written is sent, and nothing is held any more.</summary>
    public async ValueTask FinishAsync()
    {
        await _sending;
        if (!_broken && _used > 0) await FlushAsync();
        Forget();
    }

    // A page of what comes next, the usual way.
    private async ValueTask<int> SendLittleAsync(SafeFileHandle file, long from, long most, CancellationToken cancellation)
    {
        var page = ArrayPool<byte>.Shared.Rent(Page);
        try
        {
            var read = RandomAccess.Read(file, page.AsSpan(0, (int)Math.Min(Page, most)), from);
            if (read == 0) return 0;
            return await SendAsync(page.AsMemory(0, read), 0, cancellation) ? read : -1;
        }
        catch (IOException)
        {
            return 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    private void Pay(int claimed, int gathered)
    {
        if (gathered != _used || claimed > _owed) throw new InvalidOperationException("Bytes would be sent that nobody has claimed, or in front of others that are older.");
        _owed -= claimed;
    }

    private void Grow(int more)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Page, _used + more));
        Gathered.CopyTo(larger);
        if (_gathered is not null) ArrayPool<byte>.Shared.Return(_gathered);
        _gathered = larger;
    }

    // A connection that waits for its next request holds no memory.
    private void Forget()
    {
        _used = 0;
        if (_gathered is null) return;
        ArrayPool<byte>.Shared.Return(_gathered);
        _gathered = null;
    }

    private async ValueTask SendGatheredAsync()
    {
        var (bytes, length) = (_gathered!, _used);
        (_gathered, _used) = (null, 0);
        try
        {
            await TrySendAsync(bytes.AsMemory(0, length), CancellationToken.None);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask<bool> TrySendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        try
        {
            // Returns when all of them are in the socket.
            await socket.SendAsync(bytes, SocketFlags.None, cancellation);
            return true;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            Break(new ConnectionAbortedException("The far side of the connection is gone.", error));
            return false;
        }
        catch (OperationCanceledException)
        {
            Break(new ConnectionAbortedException("Nobody knows how much of a piece was sent before sending it was cancelled."));
            throw;
        }
    }

    private async ValueTask<FlushResult> WaitAsync(CancellationToken cancellation)
    {
        // The flush is what may be given up; the bytes are on their way all the same, and the next flush waits for them.
        var cancelled = _cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await Task.WhenAny(_sending, cancelled.Task).WaitAsync(cancellation);
        }
        finally
        {
            _cancelled = null;
        }

        return new FlushResult(isCanceled: cancelled.Task.IsCompleted, isCompleted: _broken);
    }

    private FlushResult Flushed()
    {
        var cancelled = _cancelNext;
        _cancelNext = false;
        return new FlushResult(cancelled, _broken);
    }

    private void Break(ConnectionAbortedException reason)
    {
        if (_broken) return;
        _broken = true;
        _owed = 0;
        connection.Abort(reason);
    }
}
