using System.Buffers;
using System.IO.Pipelines;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Worker.Files;

/// <summary>
/// Sends a window of a replica, every block of it checked before its first byte leaves (design, section 2.3). Reads straight into the
/// response's own memory: 0.34 CPU seconds per GiB, against 0.50 for <c>SendFileAsync</c>, which could check nothing.
/// </summary>
internal sealed class WindowSender(DamageDesk damage, VerifyQueue verifies, WorkerMetrics metrics, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // After that a client counts as paused: neither the scrub gives way to it nor does it make this worker look busy. Of the master it takes notice no later (PauseTimeout).
    private static readonly TimeSpan Paused = TimeSpan.FromSeconds(5);

    /// <summary>False: the first block is bad, nothing has been sent, and the caller may still answer. Any later bad block aborts the connection.</summary>
    /// <param name="begin">Sets status and headers; called when the first byte is known to be good.</param>
    /// <param name="preface">Sent before the window, as the head of a part in multipart/byteranges.</param>
    public async Task<bool> TrySendAsync(
        HttpContext context, ReplicaReader reader, long from, long length, Action<HttpResponse> begin, ReadOnlyMemory<byte> preface = default)
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
            context.Response.BodyWriter.Write(preface.Span);
            context.Response.BodyWriter.Write(first.AsSpan(0, read.Good));
            metrics.Sent(read.Good);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }

        await GoOnAsync(context, window, open);
        return true;
    }

    /// <summary>One more window in a response that has begun, as in multipart/byteranges. False: the connection was given up.</summary>
    public async Task<bool> AppendAsync(HttpContext context, ReplicaReader reader, long from, long length, ReadOnlyMemory<byte> preface)
    {
        using var open = metrics.StreamOpened();
        context.Response.BodyWriter.Write(preface.Span);
        return await GoOnAsync(context, new Window(reader, from, length), open);
    }

    private async Task<bool> GoOnAsync(HttpContext context, Window window, StreamPlace place)
    {
        // A worker that stops lets its streams go at once: another replica goes on from the exact byte.
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            if (await CopyAsync(context.Response.BodyWriter, window, place, leave.Token)) return true;
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // Nobody is left to send to, or nobody to send.
        }

        context.Abort();
        return false;
    }

    private async Task<bool> CopyAsync(PipeWriter writer, Window window, StreamPlace place, CancellationToken leave)
    {
        // What a client that has stopped leaves unsent is one piece.
        var piece = new PieceSize();
        using var pause = new StreamPause(place, Paused, time);
        while (window.Left > 0)
        {
            var read = await window.ReadAsync(writer.GetMemory(piece.Current), piece.Current, leave);
            if (read.Good > 0)
            {
                writer.Advance(read.Good);
                metrics.Sent(read.Good);
                if (!await FlushAsync(writer, piece, pause, place, leave)) return false;
            }

            if (read.Fault == BlockFault.None) continue;
            Report(window, read.Fault);
            return false;
        }

        await writer.FlushAsync(leave);
        return true;
    }

    private async ValueTask<bool> FlushAsync(PipeWriter writer, PieceSize piece, StreamPause pause, StreamPlace place, CancellationToken leave)
    {
        var offered = time.GetTimestamp();
        var flushing = writer.FlushAsync(leave);
        if (flushing.IsCompleted)
        {
            piece.Taken(TimeSpan.Zero);
            return GoesOn(await flushing);
        }

        pause.Begin();
        FlushResult flushed;
        try
        {
            flushed = await flushing;
        }
        finally
        {
            if (pause.End()) place.Retake();
        }

        piece.Taken(time.GetElapsedTime(offered));
        return GoesOn(flushed);

        static bool GoesOn(FlushResult flushed) => !flushed.IsCompleted && !flushed.IsCanceled;
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
