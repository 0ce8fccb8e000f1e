namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// A window of bytes that another node is sending. It holds no buffer of its own: the reader's memory goes straight to the socket. Disposing it before
/// its end closes the connection, which stops the sender.
/// </summary>
public sealed class ByteWindow : IDisposable
{
    private readonly Func<Memory<byte>, CancellationToken, ValueTask<int>> _read;
    private readonly Action _close;
    private readonly SilenceWatch _watch;
    private int _closed;

    /// <param name="read">Reads what is there of the body, at least one byte; 0: its end.</param>
    /// <param name="close">Gives the connection back, or closes it if the body has not been read to its end.</param>
    internal ByteWindow(Func<Memory<byte>, CancellationToken, ValueTask<int>> read, Action close, long length, SilenceWatch watch)
    {
        _read = read;
        _close = close;
        _watch = watch;
        Remaining = length;
    }

    /// <summary>Bytes that have not been read yet.</summary>
    public long Remaining { get; private set; }

    /// <summary>Why it ended before its time, or null.</summary>
    public NodeFailure? Failure { get; private set; }

    /// <summary>
    /// Reads what is there, waiting for at least one byte. 0 means the end: complete when <see cref="Remaining"/> is 0, else <see cref="Failure"/> says why.
    /// Only the time spent in here counts as the sender's silence.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller's own cancellation, given when the window was opened.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> into)
    {
        if (Remaining == 0 || Failure is not null) return 0;
        if (into.Length > Remaining) into = into[..(int)Remaining];
        try
        {
            var pending = _read(into, _watch.Token);
            int read;
            if (pending.IsCompletedSuccessfully)
            {
                read = pending.Result;
            }
            else
            {
                _watch.Begin();
                read = await pending;
                _watch.End();
            }
            Remaining -= read;
            if (read == 0) Failure = new NodeFailure.Unreachable($"it stopped {Remaining} bytes before the end");
            return read;
        }
        catch (Exception e) when (NodeFailure.Explains(e, _watch, out var failure))
        {
            Failure = failure;
            return 0;
        }
        catch (Exception) when (_watch.Cancelled)
        {
            throw new OperationCanceledException(_watch.Token);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0) _close();
        _watch.Dispose();
    }
}
