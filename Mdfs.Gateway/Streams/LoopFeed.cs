using System.Buffers;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Output;

namespace Mdfs.Gateway.Streams;

/// <summary>
/// Brings what is read by the usual means, on other threads, to a client whose connection a loop has: for the rest of a movie whose source has failed. Piece after piece, each taken when the client has taken the one before.
/// </summary>
internal sealed class LoopFeed : BodyOutput
{
    private readonly Lock _state = new();
    private byte[]? _block;
    private int _from;
    private int _left;
    private int _taken;
    private TaskCompletionSource<int>? _sending;
    private Action? _ready;
    private bool _ended;
    private bool _complete;

    public override Memory<byte> GetMemory(int size)
    {
        if (_block is { } held && held.Length < size) Dispose();
        return _block ??= ArrayPool<byte>.Shared.Rent(size);
    }

    public override ValueTask<int> SendAsync(int skip, int count, CancellationToken cancellation)
    {
        Action? ready;
        TaskCompletionSource<int> sending;
        lock (_state)
        {
            if (_ended) return ValueTask.FromResult(-1);
            (_from, _left, _taken) = (skip, count, 0);
            sending = _sending = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            (ready, _ready) = (_ready, null);
        }

        ready?.Invoke();
        return new ValueTask<int>(sending.Task);
    }

    public override void GiveBack()
    {
        // What has not been taken is read anew when the client goes on.
        lock (_state) _left = 0;
    }

    /// <summary>On the loop: the next bytes, and with that the client has taken all that were given before.</summary>
    public LoopPiece Take(Span<byte> into, Action ready)
    {
        lock (_state)
        {
            if (_sending is not null && _left == 0)
            {
                _sending.TrySetResult(_taken);
                _sending = null;
            }

            if (_sending is null)
            {
                if (_ended) return _complete ? LoopPiece.End : LoopPiece.Failed;
                _ready = ready;
                return LoopPiece.Waiting;
            }

            var count = Math.Min(into.Length, _left);
            _block.AsSpan(_from, count).CopyTo(into);
            (_from, _left, _taken) = (_from + count, _left - count, _taken + count);
            return LoopPiece.Bytes(0, count);
        }
    }

    /// <summary>No more will come.</summary>
    /// <param name="complete">Everything has.</param>
    public void End(bool complete)
    {
        Action? ready;
        lock (_state)
        {
            if (_ended) return;
            (_ended, _complete) = (true, complete);
            _sending?.TrySetResult(-1);
            _sending = null;
            (ready, _ready) = (_ready, null);
        }

        ready?.Invoke();
    }

    public override void Dispose()
    {
        if (_block is null) return;
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
    }
}
