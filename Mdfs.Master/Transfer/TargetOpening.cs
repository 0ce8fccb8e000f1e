using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Transfer;

/// <summary>
/// Opens an upload on as many workers as it shall have copies, all at once; one that refuses or is silent is replaced by the next candidate
/// (design, section 4).
/// </summary>
public sealed partial class TargetOpening(WorkerClient workers, ILogger<TargetOpening> logger)
{
    /// <param name="size">Bytes, or null when the client did not say.</param>
    /// <param name="count">Copies wanted.</param>
    /// <param name="candidates">In the order of the walk.</param>
    /// <param name="appendable">Its bytes come in pieces, over restarts.</param>
    /// <param name="atLeast">Bytes that it has at least, where its size is not known.</param>
    /// <exception cref="OperationCanceledException">The client is gone; what had been opened is dropped.</exception>
    public async Task<OpenedTargets> OpenAsync(
        UploadId upload, long? size, int count, IReadOnlyList<WorkerAddress> candidates, CancellationToken cancellation, bool appendable = false, long atLeast = 0)
    {
        var next = -1;
        var opened = new bool[candidates.Count];
        var failed = new DroppedTarget?[candidates.Count];
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Math.Min(count, candidates.Count)).Select(_ => FillPlaceAsync()));
        }
        catch (OperationCanceledException)
        {
            // Whoever was asked and did not say no: a worker may have opened it just before the call to it was broken off.
            for (var i = 0; i <= Math.Min(next, candidates.Count - 1); i++) if (failed[i] is null) DropLater(candidates[i]);
            throw;
        }
        return new OpenedTargets([.. candidates.Where((_, i) => opened[i])], [.. failed.OfType<DroppedTarget>()]);

        async Task FillPlaceAsync()
        {
            while (Interlocked.Increment(ref next) is var mine && mine < candidates.Count)
            {
                var answer = await workers.OpenAsync(candidates[mine], upload, size, cancellation, appendable, atLeast);
                if (opened[mine] = answer.Succeeded) return;

                failed[mine] = new DroppedTarget(candidates[mine], answer.Failure!);
                LogNotOpened(logger, candidates[mine].Address, upload, answer.Failure!);
                // It may have reserved the space and only its answer was late.
                if (answer.Failure is not NodeFailure.Refused) DropLater(candidates[mine]);
            }
        }

        // Nobody waits for it: a worker that does not hear it gives the space back when the upload expires there.
        void DropLater(WorkerAddress target) => _ = workers.DropAsync(target, upload, CancellationToken.None);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} does not take upload {Upload}, the next candidate is asked if there is one: {Reason}.")]
    private static partial void LogNotOpened(ILogger logger, string address, UploadId upload, NodeFailure reason);
}

/// <param name="Opened">In the order of the candidates.</param>
public sealed record OpenedTargets(IReadOnlyList<WorkerAddress> Opened, IReadOnlyList<DroppedTarget> Failed)
{
    /// <summary>There is no room anywhere (507), as opposed to nobody there (503).</summary>
    public bool AllFull =>
        Opened.Count == 0 && Failed.Count > 0 && Failed.All(target => target.IsFull);
}
