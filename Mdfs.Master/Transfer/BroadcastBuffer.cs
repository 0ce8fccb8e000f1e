using System.Buffers;

namespace Mdfs.Master.Transfer;

/// <summary>
/// The body of one upload on its way to several workers: one writer, a fixed number of readers, and every byte kept once, however many read it. A ring of
/// rented blocks: a block appears when the writer reaches it and goes back to the pool when the slowest reader has passed it, so that the memory is
/// bounded by the ring and is next to nothing while the client is the slow one. A reader gets all that has piled up in its block in one
/// piece: many small reads from a client become few large writes to a worker.
/// </summary>
public sealed class BroadcastBuffer(int blockSize, int blocks) : IDisposable
{
    private readonly int _blockSize = blockSize;
    private readonly Lock _gate = new();
    private readonly byte[]?[] _ring = new byte[]?[blocks];
    private readonly List<Reader> _readers = [];
    private long _written;
    private long _freed;
    private bool _ended;
    private TaskCompletionSource? _room;

    /// <summary>Adds a reader; all join before the first byte.</summary>
    public Reader Join()
    {
        lock (_gate)
        {
            var reader = new Reader(this);
            _readers.Add(reader);
            return reader;
        }
    }

    /// <summary>Memory for the next bytes, as soon as the slowest reader leaves room. Empty when there is no reader any more.</summary>
    public async ValueTask<Memory<byte>> GetMemoryAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (_gate)
            {
                if (_readers.Count == 0) return default;
                var block = _written / _blockSize;
                if (block < _freed + _ring.Length)
                {
                    var offset = (int)(_written % _blockSize);
                    return (_ring[block % _ring.Length] ??= ArrayPool<byte>.Shared.Rent(_blockSize)).AsMemory(offset, _blockSize - offset);
                }
                wait = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            await wait.WaitAsync(cancellation);
        }
    }

    /// <summary>So many bytes now stand in the memory that was given out.</summary>
    public void Advance(int count)
    {
        lock (_gate)
        {
            _written += count;
            WakeReaders();
        }
    }

    /// <summary>No bytes follow.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            WakeReaders();
        }
    }

    /// <summary>Gives back what is left; the writer and all readers are done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            for (var i = 0; i < _ring.Length; i++)
            {
                if (_ring[i] is { } block) ArrayPool<byte>.Shared.Return(block);
                _ring[i] = null;
            }
        }
    }

    // Blocks that everybody has passed go back. A reader that is still sending pins its block, and so does the writer the one it is filling: a socket
    // that has not let go yet must never see another movie's bytes.
    private void Free()
    {
        var slowest = _written;
        foreach (var reader in _readers) slowest = Math.Min(slowest, reader.Position);
        while ((_freed + 1) * _blockSize <= slowest)
        {
            if (_ring[_freed % _ring.Length] is { } block) ArrayPool<byte>.Shared.Return(block);
            _ring[_freed++ % _ring.Length] = null;
        }
        _room?.TrySetResult();
        _room = null;
    }

    private void WakeReaders()
    {
        foreach (var reader in _readers) reader.Wake();
    }

    /// <summary>The place of one worker in the body.</summary>
    public sealed class Reader
    {
        private readonly BroadcastBuffer _buffer;
        private TaskCompletionSource? _more;

        internal Reader(BroadcastBuffer buffer) => _buffer = buffer;

        internal long Position { get; private set; }

        /// <summary>All that is there up to the end of the block. False: nothing at this moment. Empty: the end.</summary>
        public bool TryRead(out ReadOnlyMemory<byte> bytes)
        {
            lock (_buffer._gate)
            {
                var (block, offset) = Math.DivRem(Position, _buffer._blockSize);
                var there = Math.Min(_buffer._written - Position, _buffer._blockSize - offset);
                bytes = there == 0 ? default : _buffer._ring[block % _buffer._ring.Length].AsMemory((int)offset, (int)there);
                return there > 0 || _buffer._ended;
            }
        }

        /// <summary>Waits until <see cref="TryRead"/> has something to say.</summary>
        public Task WaitAsync(CancellationToken cancellation)
        {
            lock (_buffer._gate)
            {
                if (_buffer._written > Position || _buffer._ended) return Task.CompletedTask;
                return (_more ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellation);
            }
        }

        /// <summary>These bytes are sent, and their memory is no longer looked at.</summary>
        public void Advance(int count)
        {
            lock (_buffer._gate)
            {
                Position += count;
                _buffer.Free();
            }
        }

        /// <summary>Reads no more and looks at no memory any more. The others go on without it; it may be called twice.</summary>
        public void Leave()
        {
            lock (_buffer._gate)
            {
                if (_buffer._readers.Remove(this)) _buffer.Free();
            }
        }

        internal void Wake()
        {
            _more?.TrySetResult();
            _more = null;
        }
    }
}
