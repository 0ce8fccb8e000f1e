using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Output;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Worker.Files;

/// <summary>
/// Sends a window of a replica, every block of it checked before its first byte leaves (design, section 2.3).
/// </summary>
internal sealed class WindowSender(DamageDesk damage, VerifyQueue verifies, FreshBlocks fresh, WorkerMetrics metrics, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // After that a client counts as paused: neither the scrub gives way to it nor does it make this worker look busy. Of the master it takes notice no later (PauseTimeout).
    private static readonly TimeSpan Paused = TimeSpan.FromSeconds(5);

    private readonly LargestPieces _largest = new();

    /// <summary>False: the first block is bad, nothing has been sent, and the caller may still answer. Any later bad block aborts the connection.</summary>
    /// <param name="begin">Sets status and headers; called when the first byte is known to be good.</param>
    /// <param name="head">Sent before the window, as the head of a part in multipart/byteranges.</param>
    public async Task<bool> TrySendAsync(
        HttpContext context, ReplicaReader reader, long from, long length, Action<HttpResponse> begin, ReadOnlyMemory<byte> head = default)
    {
        using var place = metrics.StreamOpened();
        // A paused player is not a dead one; keep-alive finds those.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        using var output = BodyOutput.Of(context, head, length);
        var window = new Window(reader, fresh.Of(reader.Held), from, length);
        var first = window.Read(output, window.First);
        if (first.Count == 0 && first.Fault != BlockFault.None)
        {
            Report(window, first.Fault);
            return false;
        }

        begin(context.Response);
        if (length == 0) await context.Response.StartAsync(context.RequestAborted);
        else await SendAsync(context, output, window, first, place);
        return true;
    }

    /// <summary>One more window in a response that has begun, as in multipart/byteranges. False: the connection was given up.</summary>
    public async Task<bool> AppendAsync(HttpContext context, ReplicaReader reader, long from, long length, ReadOnlyMemory<byte> head)
    {
        using var place = metrics.StreamOpened();
        using var output = BodyOutput.Of(context, head, length);
        var window = new Window(reader, fresh.Of(reader.Held), from, length);
        return await SendAsync(context, output, window, window.Read(output, window.First), place);
    }

    private async Task<bool> SendAsync(HttpContext context, BodyOutput output, Window window, Piece first, StreamPlace place)
    {
        // A worker that stops lets its streams go at once: another replica goes on from the exact byte.
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            if (await CopyAsync(output, window, first, place, leave.Token)) return true;
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // Nobody is left to send to, or nobody to send.
        }

        context.Abort();
        return false;
    }

    private async Task<bool> CopyAsync(BodyOutput output, Window window, Piece piece, StreamPlace place, CancellationToken leave)
    {
        using var size = new PieceSize(_largest);
        using var pause = new StreamPause(place, output, Paused, time);
        while (true)
        {
            if (piece.Count > 0)
            {
                var sent = await SendAsync(output, piece, size, pause, place, leave);
                if (sent < 0) return false;
                metrics.Sent(sent);
                if (sent < piece.Count)
                {
                    // The client had stopped, and what it had not taken was let go: it is read and checked anew.
                    window.TakeBack(piece.Count - sent);
                    piece = window.Read(output, size.Current);
                    continue;
                }
            }

            if (piece.Fault != BlockFault.None)
            {
                Report(window, piece.Fault);
                return false;
            }

            if (output.TakesFiles && window.Fresh is > 0 and var run)
            {
                // What a client that takes nothing leaves unsent lies in the page cache.
                var sent = await PausablyAsync(output.SendFileAsync(window.Reader.Bytes, window.Position, run, leave), pause, place);
                if (sent < 0) return false;
                metrics.Sent(sent);
                window.Skip(sent);
                if (sent < run) window.Distrust();
            }

            if (window.Left == 0) return true;
            piece = window.Read(output, size.Current);
        }
    }

    private async ValueTask<int> SendAsync(BodyOutput output, Piece piece, PieceSize size, StreamPause pause, StreamPlace place, CancellationToken leave)
    {
        var offered = time.GetTimestamp();
        var sending = output.SendAsync(piece.Skip, piece.Count, leave);
        if (sending.IsCompleted)
        {
            size.Taken(TimeSpan.Zero);
            return await sending;
        }

        var sent = await PausablyAsync(sending, pause, place);
        size.Taken(time.GetElapsedTime(offered));
        return sent;
    }

    private static async ValueTask<T> PausablyAsync<T>(ValueTask<T> sending, StreamPause pause, StreamPlace place)
    {
        if (sending.IsCompleted) return await sending;
        pause.Begin();
        try
        {
            return await sending;
        }
        finally
        {
            if (pause.End()) place.Retake();
        }
    }

    private void Report(Window window, BlockFault fault)
    {
        var block = window.Position / BlockFormat.BlockSize;
        fresh.Forget(window.Reader.Held);
        if (fault == BlockFault.Bytes) damage.Report(window.Reader.Held, $"block {block} does not agree with its checksum");
        // Nothing is known against the bytes: re-reading all of them decides, and mends the sidecar if they are good.
        else verifies.Add(window.Reader.Version);
    }

    /// <summary>Good bytes in the memory of the output, and whether a bad block follows them within the window.</summary>
    private readonly record struct Piece(int Skip, int Count, BlockFault Fault);

    /// <summary>What is left to send. Blocks are read whole, also where only a part of them is wanted.</summary>
    private sealed class Window(ReplicaReader reader, FreshBlocks.Replica? fresh, long from, long length)
    {
        // Long runs in one go, but not so long that a block gets old in the middle of one.
        private const long MostRun = 256;
        private FreshBlocks.Replica? _fresh = fresh;

        public ReplicaReader Reader => reader;

        public long Position { get; private set; } = from;

        public long Left { get; private set; } = length;

        /// <summary>Bytes to read first: everything, where that is little, so that a small range that is not aligned is one piece all the same.</summary>
        public int First => Whole <= PieceSize.Large ? PieceSize.Large : PieceSize.Small;

        private long Start => Position / BlockFormat.BlockSize * BlockFormat.BlockSize;

        private long Whole => Math.Min(reader.Size, RoundUp(Position + Left)) - Start;

        /// <summary>Bytes from here on that need not be checked once more.</summary>
        public long Fresh => _fresh is { } known && Left > 0
            ? Math.Min(Left, ((Start / BlockFormat.BlockSize) + known.Run(Start / BlockFormat.BlockSize, MostRun)) * BlockFormat.BlockSize - Position)
            : 0;

        /// <summary>So many have been sent without being read here.</summary>
        public void Skip(long bytes)
        {
            Position += bytes;
            Left -= bytes;
        }

        /// <summary>So many of what was read last have not been sent.</summary>
        public void TakeBack(int bytes) => Skip(-bytes);

        /// <summary>The kernel cannot send this file: it is read to its end.</summary>
        public void Distrust() => _fresh = null;

        public Piece Read(BodyOutput output, int atMost)
        {
            if (Left == 0) return default;
            var whole = (int)Math.Min(atMost, Whole);
            var read = reader.Read(Start / BlockFormat.BlockSize, output.GetMemory(whole).Span[..whole]);
            _fresh?.Note(Start / BlockFormat.BlockSize, BlockFormat.BlockCount(read.Good));
            var skip = (int)(Position - Start);
            var wanted = (int)Math.Clamp(read.Good - skip, 0, Left);
            Position += wanted;
            Left -= wanted;
            return new Piece(skip, wanted, Left == 0 ? BlockFault.None : read.Fault);
        }

        private static long RoundUp(long position) => (position + BlockFormat.BlockSize - 1) / BlockFormat.BlockSize * BlockFormat.BlockSize;
    }
}
