using System.Buffers;
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
    private BodyOutput? _portable;
    private bool _begun;

    public override Memory<byte> GetMemory(int size)
    {
        if (_portable is not null) return _portable.GetMemory(size);
        if (_block?.Length < Front + size) Dispose();
        _block ??= ArrayPool<byte>.Shared.Rent(Front + size);
        return _block.AsMemory(Front);
    }

    public override ValueTask<bool> SendAsync(int skip, int count, CancellationToken cancellation)
    {
        if (!_begun) return BeginAsync(skip, count, cancellation);
        return _portable?.SendAsync(skip, count, cancellation) ?? socket.SendAsync(_block.AsMemory(Front + skip, count), 0, cancellation);
    }

    public override bool TakesFiles => _begun && _portable is null && Kernel.CanSendFiles;

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

    private async ValueTask<bool> BeginAsync(int skip, int count, CancellationToken cancellation)
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
        return await socket.SendAsync(_block.AsMemory(start - gathered, gathered + count), gathered, cancellation);
    }
}
