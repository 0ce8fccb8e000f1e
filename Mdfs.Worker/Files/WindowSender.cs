using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Output;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mdfs.Worker.Files;

/// <summary>
/// Sends a window of a replica, every part of a block checked before its first byte leaves (design, section 2.3).
/// </summary>
internal sealed class WindowSender(WindowFindings findings, FreshBlocks fresh, WorkerMetrics metrics, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // After that a client counts as paused: neither the scrub gives way to it nor does it make this worker look busy. Of the master it takes notice no later (PauseTimeout).
    internal static readonly TimeSpan Paused = TimeSpan.FromSeconds(5);

    private readonly LargestPieces _largest = new();

    /// <summary>False: what comes first is bad, nothing has been sent, and the caller may still answer. Anything bad behind it aborts the connection.</summary>
    /// <param name="begin">Sets status and headers; called when the first byte is known to be good.</param>
    /// <param name="head">Sent before the window, as the head of a part in multipart/byteranges.</param>
    public async Task<bool> TrySendAsync(
        HttpContext context, ReplicaReader reader, long from, long length, Action<HttpResponse> begin, ReadOnlyMemory<byte> head = default)
    {
        using var place = metrics.StreamOpened();
        // A paused player is not a dead one; keep-alive finds those.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        using var output = BodyOutput.Of(context, head, length);
        var window = new ReplicaWindow(reader, fresh.Of(reader.Held), from, length);
        var first = Read(output, window, window.First);
        if (first.Count == 0 && first.Fault != BlockFault.None)
        {
            findings.Report(window, first.Fault);
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
        var window = new ReplicaWindow(reader, fresh.Of(reader.Held), from, length);
        return await SendAsync(context, output, window, Read(output, window, window.First), place);
    }

    private async Task<bool> SendAsync(HttpContext context, BodyOutput output, ReplicaWindow window, WindowPiece first, StreamPlace place)
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

    private async Task<bool> CopyAsync(BodyOutput output, ReplicaWindow window, WindowPiece piece, StreamPlace place, CancellationToken leave)
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
                    piece = Read(output, window, size.Current);
                    continue;
                }
            }

            if (piece.Fault != BlockFault.None)
            {
                findings.Report(window, piece.Fault);
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
            piece = Read(output, window, size.Current);
        }
    }

    private async ValueTask<int> SendAsync(BodyOutput output, WindowPiece piece, PieceSize size, StreamPause pause, StreamPlace place, CancellationToken leave)
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

    private static WindowPiece Read(BodyOutput output, ReplicaWindow window, int atMost)
    {
        if (window.Left == 0) return default;
        var whole = window.Whole(atMost);
        return window.Read(output.GetMemory(whole).Span[..whole]);
    }
}
