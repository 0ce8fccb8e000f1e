using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Transfer;

/// <summary>Why a piece ended where it did.</summary>
public enum PieceEnd
{
    /// <summary>The body is at its end.</summary>
    BodyEnded,

    /// <summary>The piece is as long as it may be; the body goes on.</summary>
    Full,

    /// <summary>The body is longer than the upload has room for, or than the server takes.</summary>
    TooLong,

    /// <summary>The client went away, or broke its body off.</summary>
    ClientFailed,

    /// <summary>The client sent nothing for the idle time-out.</summary>
    ClientTooSlow,

    /// <summary>A newer request for the same upload has come.</summary>
    CutOff,
}

/// <summary>What a piece may be.</summary>
/// <param name="MostBytes">It ends after so many bytes.</param>
/// <param name="MostTime">It ends with the first read after this time.</param>
/// <param name="Room">Bytes that the upload may still have; more of them is <see cref="PieceEnd.TooLong"/>.</param>
public readonly record struct PieceLimits(long MostBytes, TimeSpan MostTime, long Room);

/// <param name="Taken">Bytes that came in.</param>
/// <param name="Reached">Where the upload stands when the piece is counted.</param>
/// <param name="Receipts">Of the workers that have it on disk and agree with the master; none: the piece is lost.</param>
public sealed record PieceResult(PieceEnd End, long Taken, UploadProgress Reached, IReadOnlyList<AppendReceipt> Receipts, IReadOnlyList<DroppedTarget> Dropped)
{
    /// <summary>No worker had room for it (507), as opposed to workers that failed.</summary>
    public bool AllFull => Receipts.Count == 0 && Dropped.Count > 0 && Dropped.All(target => target.IsFull);
}

/// <summary>
/// Sends a piece of a resumable upload to all its workers at the same time, as <see cref="UploadFanOut"/> does with an upload in one piece. The difference is the
/// end: whatever ends the client's body, what came in is fsynced and kept.
/// </summary>
public sealed partial class PieceFanOut(
    WorkerClient workers, IOptions<TransferOptions> options, TransferMetrics metrics, TimeProvider time, ILogger<PieceFanOut> logger)
{
    // As in UploadFanOut.
    private const int BlockSize = 64 * 1024;
    private const int Blocks = 4;

    private readonly TransferOptions _options = options.Value;

    /// <param name="from">What was acknowledged; the piece is appended to it.</param>
    /// <param name="size">Bytes of the whole, when they are known.</param>
    /// <param name="onBytes">Sees all bytes in passing.</param>
    /// <param name="cutOff">The client's body is read no further; what came of it is still sent and confirmed.</param>
    public async Task<PieceResult> SendAsync(
        UploadId upload, UploadProgress from, long? size, Stream body, IReadOnlyList<WorkerAddress> targets, PieceLimits limits, Action<ReadOnlyMemory<byte>>? onBytes,
        CancellationToken cutOff)
    {
        using var buffer = new BroadcastBuffer(BlockSize, Blocks);
        using var deserted = new CancellationTokenSource();
        var crc = new RunningChecksum();
        var readers = targets.Select(_ => buffer.Join()).ToArray();
        var live = targets.Count;
        var sends = targets.Select((target, i) => DeliverAsync(target, readers[i])).ToArray();

        var (end, taken) = await PumpAsync(body, buffer, crc, limits, onBytes, cutOff, deserted.Token);
        buffer.End();
        var answers = await Task.WhenAll(sends);
        var result = Judge(upload, end, taken, from.Append(taken, crc.Current), targets, answers);
        metrics.Appended(result);
        return result;

        async Task<NodeAnswer<AppendReceipt>> DeliverAsync(WorkerAddress target, BroadcastBuffer.Reader reader)
        {
            var answer = await PatchAsync(upload, from, size, target, reader);
            if (answer.Succeeded) return answer;
            LogDropped(logger, target.Address, upload, answer.Failure);
            // The last one to go stops the reading, even of a client that is silent.
            if (Interlocked.Decrement(ref live) == 0) await deserted.CancelAsync();
            return answer;
        }
    }

    private async Task<NodeAnswer<AppendReceipt>> PatchAsync(UploadId upload, UploadProgress from, long? size, WorkerAddress target, BroadcastBuffer.Reader reader)
    {
        using var watch = new SilenceWatch(_options.IdleTimeout, time, CancellationToken.None);
        // Without a length: where the piece ends is known only when it ends.
        using var content = new FanOutContent(reader, null, watch, _options.ReceiptTimeout);
        try
        {
            watch.Begin();
            return await workers.AppendAsync(target, upload, from, size, content, watch);
        }
        finally
        {
            watch.Break();
            await content.Finished;
            reader.Leave();
        }
    }

    private async Task<(PieceEnd End, long Taken)> PumpAsync(
        Stream body, BroadcastBuffer buffer, RunningChecksum crc, PieceLimits limits, Action<ReadOnlyMemory<byte>>? onBytes, CancellationToken cutOff, CancellationToken deserted)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cutOff, deserted);
        using var watch = new SilenceWatch(_options.IdleTimeout, time, stop.Token);
        var began = time.GetTimestamp();
        long taken = 0;
        try
        {
            while (taken < limits.MostBytes && (taken == 0 || time.GetElapsedTime(began) < limits.MostTime))
            {
                // Waiting here is waiting for the workers; the client's clock stands still.
                var memory = await buffer.GetMemoryAsync(stop.Token);
                if (memory.IsEmpty) return (PieceEnd.Full, taken);
                if (memory.Length > limits.MostBytes - taken) memory = memory[..(int)(limits.MostBytes - taken)];

                var pending = body.ReadAsync(memory, watch.Token);
                if (!pending.IsCompleted) watch.Begin();
                var read = await pending;
                watch.End();
                if (read == 0) return (PieceEnd.BodyEnded, taken);
                if (taken + read > limits.Room) return (PieceEnd.TooLong, taken);

                taken += read;
                metrics.Taken(read);
                crc.Append(memory.Span[..read]);
                onBytes?.Invoke(memory[..read]);
                buffer.Advance(read);
            }

            return (PieceEnd.Full, taken);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidDataException)
        {
            if (cutOff.IsCancellationRequested) return (PieceEnd.CutOff, taken);
            // Nobody takes the bytes any more: the missing receipts say so.
            if (deserted.IsCancellationRequested) return (PieceEnd.Full, taken);
            if (e is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }) return (PieceEnd.TooLong, taken);
            return (watch.Expired ? PieceEnd.ClientTooSlow : PieceEnd.ClientFailed, taken);
        }
    }

    private PieceResult Judge(
        UploadId upload, PieceEnd end, long taken, UploadProgress reached, IReadOnlyList<WorkerAddress> targets, NodeAnswer<AppendReceipt>[] answers)
    {
        var receipts = new List<AppendReceipt>();
        var dropped = new List<DroppedTarget>();
        foreach (var (target, answer) in targets.Zip(answers))
        {
            if (!answer.Succeeded)
            {
                dropped.Add(new DroppedTarget(target, answer.Failure));
            }
            else if (Disagreement(upload, target, answer.Value, reached) is { } difference)
            {
                LogDisagreed(logger, target.Address, upload, difference);
                dropped.Add(new DroppedTarget(target, new NodeFailure.Disagreed(difference)));
            }
            else
            {
                receipts.Add(answer.Value);
            }
        }

        return new PieceResult(end, taken, reached, receipts, dropped);
    }

    private static string? Disagreement(UploadId upload, WorkerAddress target, AppendReceipt receipt, UploadProgress reached) =>
        receipt.Node != target.Id ? $"the receipt comes from node {receipt.Node}"
        : receipt.Upload != upload ? $"the receipt is for upload {receipt.Upload}"
        : receipt.Offset != reached.Offset || receipt.Checksum != reached.Checksum
            ? $"it has {receipt.Offset} bytes with checksum {receipt.Checksum}, the master sent {reached.Offset} with {reached.Checksum}"
            : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} did not take a piece of upload {Upload}: {Reason}.")]
    private static partial void LogDropped(ILogger logger, string address, UploadId upload, NodeFailure reason);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "Worker {Address} confirmed other bytes of upload {Upload} than it was sent: {Difference}. Its memory, disk or network changes data; check it.")]
    private static partial void LogDisagreed(ILogger logger, string address, UploadId upload, string difference);
}
