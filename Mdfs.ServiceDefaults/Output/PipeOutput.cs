using System.Buffers;
using System.IO.Pipelines;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>The portable way: into the memory of the response's own writer.</summary>
internal sealed class PipeOutput : BodyOutput
{
    private readonly PipeWriter _writer;
    private readonly ReadOnlyMemory<byte> _head;
    private byte[]? _first;
    private bool _begun;
    private Memory<byte> _memory;

    public PipeOutput(PipeWriter writer)
    {
        _writer = writer;
        _begun = true;
    }

    /// <summary>Of a response that may not have begun: its memory may not be taken before its header is complete, so the first piece has memory of its own.</summary>
    public PipeOutput(PipeWriter writer, ReadOnlyMemory<byte> head)
    {
        _writer = writer;
        _head = head;
    }

    public override Memory<byte> GetMemory(int size)
    {
        if (_begun) return _memory = _writer.GetMemory(size);
        if (_first?.Length < size) Dispose();
        return _memory = _first ??= ArrayPool<byte>.Shared.Rent(size);
    }

    public override async ValueTask<int> SendAsync(int skip, int count, CancellationToken cancellation)
    {
        if (_begun)
        {
            if (skip > 0) _memory.Slice(skip, count).CopyTo(_memory);
            _writer.Advance(count);
        }
        else
        {
            _begun = true;
            _writer.Write(_head.Span);
            _writer.Write(_memory.Span.Slice(skip, count));
            Dispose();
        }

        var flushed = await _writer.FlushAsync(cancellation);
        return flushed.IsCompleted || flushed.IsCanceled ? -1 : count;
    }

    public override void Dispose()
    {
        if (_first is null) return;
        ArrayPool<byte>.Shared.Return(_first);
        _first = null;
    }
}
