using System.Net;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Transfer;

/// <summary>The request body towards one worker: whatever its reader of the shared buffer finds, with a watch on the worker's progress.</summary>
/// <param name="size">Bytes, sent as Content-Length; null sends chunks.</param>
/// <param name="receipt">The silence that is allowed once all bytes are out.</param>
internal sealed class FanOutContent(BroadcastBuffer.Reader reader, long? size, SilenceWatch watch, TimeSpan receipt) : HttpContent
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;

    /// <summary>Done when nothing here touches the shared memory any more, also when it never began.</summary>
    public Task Finished => Interlocked.Exchange(ref _started, 1) == 0 ? Task.CompletedTask : _finished.Task;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) == 1) throw new IOException("The upload has ended before this worker's connection was ready.");
        try
        {
            watch.End();
            while (true)
            {
                if (!reader.TryRead(out var bytes))
                {
                    // The stack keeps up to 4 KiB back: what a slow client has sent shall reach the worker, which has an idle time-out of its own.
                    await PushAsync(stream.FlushAsync(watch.Token));
                    await reader.WaitAsync(watch.Token);
                    continue;
                }
                if (bytes.IsEmpty) break;

                await PushAsync(stream.WriteAsync(bytes, watch.Token));
                reader.Advance(bytes.Length);
            }
            // Runs until the caller of the request ends it: it covers the rest of the flush, the fsync over there, and the receipt.
            watch.Begin(receipt);
        }
        finally
        {
            _finished.SetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = size ?? 0;
        return size is not null;
    }

    private Task PushAsync(Task write) => PushAsync(new ValueTask(write));

    private async Task PushAsync(ValueTask write)
    {
        if (write.IsCompletedSuccessfully) return;
        watch.Begin();
        await write;
        watch.End();
    }
}
