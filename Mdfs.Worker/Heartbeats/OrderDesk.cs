using System.Threading.Channels;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Replication;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Heartbeats;

/// <summary>
/// Carries out what replies ordered, one after the other and beside the beats, so that a long list never makes the node look dead. Orders that
/// remove bytes are checked against their life again at the moment the bytes would go (design, section 6).
/// </summary>
internal sealed partial class OrderDesk(
    ReplicaStore store, UploadStore uploads, AppendStore appends, PullDesk pulls, VerifyQueue verifies, Scrubber scrubber, BeatBell bell, TimeProvider time, ILogger<OrderDesk> logger) : BackgroundService
{
    // Orders are computed anew for every beat: what finds the desk full comes again.
    private readonly Channel<Work> _work = Channel.CreateBounded<Work>(new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Take(IReadOnlyList<Tombstone> remembered, IReadOnlyList<NodeOrder> orders, long sent)
    {
        if (remembered.Count > 0) _work.Writer.TryWrite(new Work(remembered, null, sent));
        foreach (var order in orders) _work.Writer.TryWrite(new Work([], order, sent));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var work in _work.Reader.ReadAllAsync(stoppingToken)) await CarryOutAsync(work, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops; the master orders again what is left.
        }
    }

    private async Task CarryOutAsync(Work work, CancellationToken cancellation)
    {
        try
        {
            if (work.Remembered.Count > 0 && (await store.RemoveCoveredAsync(work.Remembered, cancellation)).Count > 0) bell.Ring();
            if (work.Order is not { } order) return;
            if (order.RemovesBytes && Expired(work))
            {
                LogExpired(order.GetType().Name);
                return;
            }

            await CarryOutAsync(order, () => Expired(work), cancellation);
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            LogFailed(error, work.Order?.GetType().Name ?? nameof(Tombstone));
        }
    }

    private async Task CarryOutAsync(NodeOrder order, Func<bool> expired, CancellationToken cancellation)
    {
        switch (order)
        {
            case DeleteOrder delete:
                if (await store.DeleteAsync(delete.Version, delete.Reason, expired, cancellation, delete.Keep)) bell.Ring();
                break;
            case QuarantineOrder quarantine:
                if (await store.QuarantineAsync(quarantine.Version, quarantine.Reason, expired, cancellation)) bell.Ring();
                break;
            case DiscardOrder discard:
                await appends.DiscardAsync(discard.Upload, expired);
                await uploads.DiscardAsync(discard.Upload, expired);
                break;
            case SealOrder seal:
                var sealing = await store.SealAsync(seal.Replica.Upload, seal.Replica, cancellation);
                if (sealing.Refusal is { } refusal) LogRefused(seal.Replica.Upload, refusal.Message);
                else bell.Ring();
                break;
            case PullOrder pull:
                pulls.Start(pull);
                break;
            case CancelPullOrder cancel:
                pulls.Cancel(cancel.Version);
                break;
            case VerifyOrder verify:
                verifies.Add(verify.Version);
                break;
            case ScrubOrder scrub:
                scrubber.Obey(scrub);
                break;
            default:
                LogUnknown(order.GetType().Name);
                break;
        }
    }

    private bool Expired(Work work) => time.GetElapsedTime(work.Sent) >= NodeOrder.Life;

    private sealed record Work(IReadOnlyList<Tombstone> Remembered, NodeOrder? Order, long Sent);

    [LoggerMessage(Level = LogLevel.Information, Message = "A {Order} came too late to be carried out; the master decides again with the next beat.")]
    private partial void LogExpired(string order);

    [LoggerMessage(Level = LogLevel.Error, Message = "A {Order} could not be carried out; the master decides again with the next beat.")]
    private partial void LogFailed(Exception error, string order);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upload {Upload} could not be sealed: {Reason}")]
    private partial void LogRefused(UploadId upload, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The master gave an order this version does not know: {Order}.")]
    private partial void LogUnknown(string order);
}
