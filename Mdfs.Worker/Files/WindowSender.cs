using System.Buffers;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Worker.Files;

/// <summary>
/// Sends a window of a replica, every block of it checked before its first byte leaves (design, section 2.3). Reads straight into the
/// response's own memory: 0.34 CPU seconds per GiB, against 0.50 for <c>SendFileAsync</c>, which could check nothing.
/// </summary>
internal sealed class WindowSender(DamageDesk damage, VerifyQueue verifies, WorkerMetrics metrics)
{
    private const int ChunkSize = 4 * BlockFormat.BlockSize;

    /// <summary>False: the first block is bad, nothing has been sent, and the caller may still answer. Any later bad block aborts the connection.</summary>
    /// <param name="begin">Sets status and headers; called when the first byte is known to be good.</param>
    public async Task<bool> TrySendAsync(HttpContext context, ReplicaReader reader, long from, long length, Action<HttpResponse> begin)
    {
        using var open = metrics.StreamOpened();
        // A paused player is not a dead one; keep-alive finds those.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        var window = new Window(reader, from, length);
        var first = ArrayPool<byte>.Shared.Rent(BlockFormat.BlockSize);
        try
        {
            // One block apart from the rest: before its first byte the answer may still be a refusal, and most small ranges need no more.
            var read = await window.ReadAsync(first, BlockFormat.BlockSize, context.RequestAborted);
            if (read.Good == 0 && read.Fault != BlockFault.None)
            {
                Report(window, read.Fault);
                return false;
            }

            begin(context.Response);
            await context.Response.StartAsync(context.RequestAborted);
            context.Response.BodyWriter.Write(first.AsSpan(0, read.Good));
            metrics.Sent(read.Good);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }

        await GoOnAsync(context, window);
        return true;
    }

    /// <summary>One more window in a response that has begun, as in multipart/byteranges. A bad block aborts the connection.</summary>
    public async Task AppendAsync(HttpContext context, ReplicaReader reader, long from, long length)
    {
        using var open = metrics.StreamOpened();
        await GoOnAsync(context, new Window(reader, from, length));
    }

    private async Task GoOnAsync(HttpContext context, Window window)
    {
        var writer = context.Response.BodyWriter;
        var leave = context.RequestAborted;
        while (window.Left > 0)
        {
            var read = await window.ReadAsync(writer.GetMemory(ChunkSize), ChunkSize, leave);
            if (read.Good > 0)
            {
                writer.Advance(read.Good);
                metrics.Sent(read.Good);
                var flush = await writer.FlushAsync(leave);
                if (flush.IsCompleted || flush.IsCanceled) return;
            }

            if (read.Fault == BlockFault.None) continue;
            Report(window, read.Fault);
            context.Abort();
            return;
        }

        await writer.FlushAsync(leave);
    }

    private void Report(Window window, BlockFault fault)
    {
        var block = window.Position / BlockFormat.BlockSize;
        if (fault == BlockFault.Bytes) damage.Report(window.Reader.Held, $"block {block} does not agree with its checksum");
        // Nothing is known against the bytes: re-reading all of them decides, and mends the sidecar if they are good.
        else verifies.Add(window.Reader.Version);
    }

    /// <summary>What is left to send. Reads aligned blocks and moves the wanted part to the front of the memory.</summary>
    private sealed class Window(ReplicaReader reader, long from, long length)
    {
        public ReplicaReader Reader => reader;

        public long Position { get; private set; } = from;

        public long Left { get; private set; } = length;

        /// <returns>Wanted bytes at the start of the memory, and whether a bad block follows them within the window.</returns>
        public async ValueTask<BlockRead> ReadAsync(Memory<byte> memory, int atMost, CancellationToken cancellation)
        {
            if (Left == 0) return default;
            var block = Position / BlockFormat.BlockSize;
            var start = block * BlockFormat.BlockSize;
            var end = Math.Min(reader.Size, RoundUp(Position + Left));
            var whole = memory[..(int)Math.Min(atMost, end - start)];
            var read = await reader.ReadAsync(block, whole, cancellation);
            var skip = (int)(Position - start);
            var wanted = (int)Math.Clamp(read.Good - skip, 0, Left);
            if (skip > 0 && wanted > 0) whole.Slice(skip, wanted).CopyTo(whole);
            Position += wanted;
            Left -= wanted;
            return new BlockRead(wanted, Left == 0 ? BlockFault.None : read.Fault);
        }

        private static long RoundUp(long position) => (position + BlockFormat.BlockSize - 1) / BlockFormat.BlockSize * BlockFormat.BlockSize;
    }
}
