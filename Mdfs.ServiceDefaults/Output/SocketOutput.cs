using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>
/// The short way: one block of memory, filled and put into the socket, again and again. The header of the response is copied in front of the first piece, so that both leave together.
/// </summary>
internal sealed class SocketOutput(HttpResponse response, SocketWriter socket, ReadOnlyMemory<byte> head, long length) : BodyOutput
{
    // Room for the header of the response and the head of a part. A whole page, so that what is read from files lies well.
    private const int Front = 4096;

    private byte[]? _block;

    // The block while a send waits. Whoever takes it from here has it.
    private byte[]? _waiting;
    private BodyOutput? _portable;
    private bool _begun;

    public override Memory<byte> GetMemory(int size)
    {
        if (_portable is not null) return _portable.GetMemory(size);
        // Nor is a large one kept for a client that gets small pieces now.
        if (_block is { } held && (held.Length < Front + size || held.Length > 4 * (Front + size))) Dispose();
        _block ??= ArrayPool<byte>.Shared.Rent(Front + size);
        return _block.AsMemory(Front);
    }

    public override ValueTask<int> SendAsync(int skip, int count, CancellationToken cancellation)
    {
        if (!_begun) return BeginAsync(skip, count, cancellation);
        if (_portable is not null) return _portable.SendAsync(skip, count, cancellation);
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellation);
        if (!Kernel.IsKnown) return WholeAsync(socket.SendAsync(_block.AsMemory(Front + skip, count), 0, cancellation), count);
        var sent = socket.SendNow(_block.AsSpan(Front + skip, count));
        return sent < 0 || sent == count ? ValueTask.FromResult(sent) : WaitAsync(Front + skip + sent, sent, count, cancellation);
    }

    public override void GiveBack()
    {
        if (Interlocked.Exchange(ref _waiting, null) is { } block) ArrayPool<byte>.Shared.Return(block);
    }

    public override bool TakesFiles => _begun && _portable is null && Kernel.IsKnown;

    public override ValueTask<long> SendFileAsync(SafeFileHandle file, long from, long count, CancellationToken cancellation)
    {
        // Nothing is put into it for as long as the kernel sends.
        Dispose();
        return socket.SendFileAsync(file, from, count, cancellation);
    }

    public override void Dispose()
    {
        if (_block is null) return;
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
    }

    private static async ValueTask<int> WholeAsync(ValueTask<bool> sending, int count) => await sending ? count : -1;

    // A page after another, and as much as fits behind each; the block can be given back meanwhile.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAsync(int at, int sent, int count, CancellationToken cancellation)
    {
        var page = ArrayPool<byte>.Shared.Rent(SocketWriter.Page);
        try
        {
            while (true)
            {
                var block = _block!;
                var next = Math.Min(SocketWriter.Page, count - sent);
                block.AsSpan(at, next).CopyTo(page);
                _block = null;
                Volatile.Write(ref _waiting, block);
                var taken = await socket.SendAsync(page.AsMemory(0, next), 0, cancellation);
                _block = Interlocked.Exchange(ref _waiting, null);
                if (!taken) return -1;
                (at, sent) = (at + next, sent + next);
                if (sent == count || _block is null) return sent;
                var more = socket.SendNow(_block.AsSpan(at, count - sent));
                if (more < 0) return -1;
                (at, sent) = (at + more, sent + more);
                if (sent == count) return sent;
            }
        }
        finally
        {
            GiveBack();
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    private async ValueTask<int> BeginAsync(int skip, int count, CancellationToken cancellation)
    {
        _begun = true;
        var start = Front + skip;
        var writer = response.BodyWriter;
        await response.StartAsync(cancellation);
        if (head.Length > 0) writer.Write(head.Span);
        if (socket.Gathered.Length > start) await writer.FlushAsync(cancellation);
        if (!socket.TryClaim(writer, length))
        {
            _portable = Over(writer);
            _block.AsMemory(start, count).CopyTo(_portable.GetMemory(count));
            Dispose();
            return await _portable.SendAsync(0, count, cancellation);
        }

        var gathered = socket.Gathered.Length;
        socket.Gathered.CopyTo(_block.AsSpan(start - gathered));
        return await socket.SendAsync(_block.AsMemory(start - gathered, gathered + count), gathered, cancellation) ? count : -1;
    }
}
