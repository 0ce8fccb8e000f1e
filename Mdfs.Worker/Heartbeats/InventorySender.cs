using System.Security.Cryptography;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Sends everything this node holds, in pages, when the master asks; tombstones in the first ones. Beats go on meanwhile.</summary>
internal sealed partial class InventorySender(
    Inventory inventory, NodeMemory memory, NodeLife life, MasterLink link, BeatBell bell, TimeProvider time, ILogger<InventorySender> logger)
    : PeriodicService(time, static () => Timeout.InfiniteTimeSpan, logger)
{
    /// <summary>Reports, and tombstones, in one page: some hundred KiB.</summary>
    public const int PageSize = 1000;

    protected override TimeSpan FirstDelay => Timeout.InfiniteTimeSpan;

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var whole = inventory.Whole();
        foreach (var page in Pages(whole))
        {
            if (await SendAsync(page, cancellationToken)) continue;
            // A master that still wants it asks again with its next reply.
            LogStopped(page.Page);
            return;
        }

        LogSent(whole.Replicas.Count, whole.Tombstones.Count);
        bell.Ring();
    }

    internal IEnumerable<InventoryPage> Pages(InventoryFacts whole)
    {
        var buried = whole.Tombstones.Chunk(PageSize).ToList();
        var held = whole.Replicas.Chunk(PageSize).ToList();
        var alone = Math.Max(0, buried.Count - 1);
        var count = Math.Max(1, alone + Math.Max(held.Count, buried.Count - alone));
        for (var page = 0; page < count; page++)
        {
            // Replicas begin on the page that carries the last tombstones: the master buries before it adopts.
            yield return new InventoryPage(
                memory.Id, life.Value, whole.Number, page, page == count - 1,
                page >= alone && page - alone < held.Count ? held[page - alone] : [],
                page < buried.Count ? buried[page] : []);
        }
    }

    private async Task<bool> SendAsync(InventoryPage page, CancellationToken cancellation)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(page, WireJson.Default.InventoryPage);
        var answer = await link.PostAsync(Routes.Master.Inventory, body, RandomNumberGenerator.GetHexString(32, lowercase: true), cancellation);
        try
        {
            return answer.Succeeded && JsonSerializer.Deserialize(answer.Value.Body, WireJson.Default.InventoryReply) is { Accepted: true };
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The master has heard of all {Replicas} replicas and {Tombstones} tombstones.")]
    private partial void LogSent(int replicas, int tombstones);

    [LoggerMessage(Level = LogLevel.Information, Message = "The inventory stopped at page {Page}; it is sent again when the master asks.")]
    private partial void LogStopped(int page);
}
