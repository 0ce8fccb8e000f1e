using System.Security.Cryptography;
using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Transfer;

/// <summary>
/// Reads a client's body once and sends it to all opened workers at the same time (design, section 4). The slowest live worker sets the pace; one
/// that fails, or takes nothing for the idle time-out while there is something to take, is dropped and the others go on. Size and CRC-32 are computed
/// in passing, and only receipts that agree with them are returned.
/// </summary>
public sealed partial class UploadFanOut(
    WorkerClient workers, IOptions<TransferOptions> options, TransferMetrics metrics, TimeProvider time, ILogger<UploadFanOut> logger)
{
    // Four blocks let the workers differ in pace for a moment, and bound an upload to 256 KiB.
    private const int BlockSize = 64 * 1024;
    private const int Blocks = 4;

    private readonly TransferOptions _options = options.Value;

    /// <param name="body">The client's bytes; read to the end, not disposed.</param>
    /// <param name="size">The announced length in bytes, or null.</param>
    /// <param name="targets">Workers on which the upload was opened.</param>
    /// <param name="withSha256">Whether the SHA-256 is wanted (RFC 9530, Repr-Digest).</param>
    /// <param name="clientGone">The request was aborted: all workers are cut off, and drop what they have.</param>
    public async Task<FanOutResult> SendAsync(
        UploadId upload, Stream body, long? size, IReadOnlyList<WorkerAddress> targets, bool withSha256, CancellationToken clientGone)
    {
        using var buffer = new BroadcastBuffer(BlockSize, Blocks);
        using var sha256 = withSha256 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        using var deserted = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        var crc = new RunningChecksum();

        var readers = targets.Select(_ => buffer.Join()).ToArray();
        var live = targets.Count;
        var sends = targets.Select((target, i) => DeliverAsync(target, readers[i])).ToArray();

        var (outcome, taken) = await PumpAsync(body, size, buffer, crc, sha256, deserted.Token, clientGone);
        if (outcome != FanOutOutcome.Completed) await abort.CancelAsync();
        var answers = await Task.WhenAll(sends);

        var result = Judge(upload, outcome, taken, crc.Current, sha256, targets, answers);
        metrics.Uploaded(result);
        return result;

        async Task<NodeAnswer<PreparedReceipt>?> DeliverAsync(WorkerAddress target, BroadcastBuffer.Reader reader)
        {
            var answer = await PutAsync(upload, target, reader, size, abort.Token);
            if (answer is { Succeeded: false, Failure: var failure }) LogDropped(logger, target.Address, upload, failure!);
            // Without a receipt it takes nothing more: the last one to go stops the reading, even of a client that is silent.
            if (answer is not { Succeeded: true } && Interlocked.Decrement(ref live) == 0) await deserted.CancelAsync();
            return answer;
        }
    }

    /// <returns>Null when the upload was broken off, which is not the worker's failure.</returns>
    private async Task<NodeAnswer<PreparedReceipt>?> PutAsync(
        UploadId upload, WorkerAddress target, BroadcastBuffer.Reader reader, long? size, CancellationToken abort)
    {
        using var watch = new SilenceWatch(_options.IdleTimeout, time, abort);
        using var content = new FanOutContent(reader, size, watch, _options.ReceiptTimeout);
        try
        {
            watch.Begin();
            return await workers.PutAsync(target, upload, content, watch);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            watch.Break();
            await content.Finished;
            reader.Leave();
        }
    }

    private async Task<(FanOutOutcome Outcome, long Taken)> PumpAsync(
        Stream body, long? size, BroadcastBuffer buffer, RunningChecksum crc, IncrementalHash? sha256, CancellationToken stop, CancellationToken clientGone)
    {
        using var watch = new SilenceWatch(_options.IdleTimeout, time, stop);
        long taken = 0;
        try
        {
            while (true)
            {
                // Waiting here is waiting for the workers; the client's clock stands still.
                var memory = await buffer.GetMemoryAsync(stop);
                if (memory.IsEmpty) return (clientGone.IsCancellationRequested ? FanOutOutcome.ClientFailed : FanOutOutcome.AllTargetsFailed, taken);

                var pending = body.ReadAsync(memory, watch.Token);
                if (!pending.IsCompleted) watch.Begin();
                var read = await pending;
                watch.End();
                if (read == 0) break;

                taken += read;
                metrics.Taken(read);
                if (taken > size) return (FanOutOutcome.TooLarge, taken);
                crc.Append(memory.Span[..read]);
                sha256?.AppendData(memory.Span[..read]);
                buffer.Advance(read);
            }
            if (taken < size) return (FanOutOutcome.ShortBody, taken);
            buffer.End();
            return (FanOutOutcome.Completed, taken);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidDataException || stop.IsCancellationRequested)
        {
            // Asked in this order: a client that leaves stops the workers too, at any moment, even between these two lines; and a read that was stopped
            // for want of workers looks like an abort.
            var stopped = stop.IsCancellationRequested;
            if (clientGone.IsCancellationRequested) return (FanOutOutcome.ClientFailed, taken);
            if (stopped) return (FanOutOutcome.AllTargetsFailed, taken);
            if (e is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }) return (FanOutOutcome.BeyondLimit, taken);
            return (watch.Expired ? FanOutOutcome.ClientTooSlow : FanOutOutcome.ClientFailed, taken);
        }
    }

    private FanOutResult Judge(
        UploadId upload, FanOutOutcome outcome, long taken, Checksum checksum, IncrementalHash? sha256,
        IReadOnlyList<WorkerAddress> targets, NodeAnswer<PreparedReceipt>?[] answers)
    {
        var receipts = new List<PreparedReceipt>();
        var dropped = new List<DroppedTarget>();
        foreach (var (target, answer) in targets.Zip(answers))
        {
            switch (answer)
            {
                case null:
                    // Everything came in, and then the client left before the workers had confirmed: nobody is there to be answered.
                    if (outcome == FanOutOutcome.Completed) outcome = FanOutOutcome.ClientFailed;
                    break;
                case { Succeeded: false, Failure: var failure }:
                    dropped.Add(new DroppedTarget(target, failure!));
                    break;
                case { Value: { } receipt }:
                    if (Disagreement(upload, target, receipt, taken, checksum) is not { } difference)
                    {
                        receipts.Add(receipt);
                    }
                    else if (outcome == FanOutOutcome.Completed)
                    {
                        LogDisagreed(logger, target.Address, upload, difference);
                        dropped.Add(new DroppedTarget(target, new NodeFailure.Disagreed(difference)));
                    }
                    break;
            }
        }
        if (outcome == FanOutOutcome.Completed && receipts.Count == 0) outcome = FanOutOutcome.AllTargetsFailed;
        if (outcome != FanOutOutcome.Completed) receipts.Clear();
        return new FanOutResult(outcome, taken, checksum, outcome == FanOutOutcome.Completed ? sha256?.GetHashAndReset() : null, receipts, dropped);
    }

    private static string? Disagreement(UploadId upload, WorkerAddress target, PreparedReceipt receipt, long size, Checksum checksum) =>
        receipt.Node != target.Id ? $"the receipt comes from node {receipt.Node}"
        : receipt.Upload != upload ? $"the receipt is for upload {receipt.Upload}"
        : receipt.Size != size || receipt.Checksum != checksum
            ? $"it received {receipt.Size} bytes with checksum {receipt.Checksum}, the master sent {size} with {checksum}"
            : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} is dropped from upload {Upload}, the others go on: {Reason}.")]
    private static partial void LogDropped(ILogger logger, string address, UploadId upload, NodeFailure reason);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "Worker {Address} confirmed other bytes of upload {Upload} than it was sent: {Difference}. Its memory, disk or network changes data; check it.")]
    private static partial void LogDisagreed(ILogger logger, string address, UploadId upload, string difference);
}
