using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>
/// What a node still has of resumable uploads that go on without it, were ended while it was away, or of which Redis knows nothing any more. Judged each time its beat
/// is answered.
/// </summary>
public sealed class UploadLeftovers(ResumableUploads uploads, IOptions<MasterOptions> options) : IOrderSource
{
    // Between the opening on the worker and the note in Redis lies a moment in which nobody knows of it.
    private static readonly TimeSpan _opening = TimeSpan.FromMinutes(2);

    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        if (node.Unfinished.Count == 0 || !uploads.Loaded) return;
        foreach (var report in node.Unfinished)
        {
            if (IsLeftover(report, uploads.Find(report.Upload)?.Record, uploads.WasEnded(report.Upload), node.Id, options.Value.UploadExpiry)) orders.Add(new DiscardOrder(report.Upload));
        }
    }

    /// <param name="record">What the master knows of it, or null.</param>
    /// <param name="ended">The master itself has ended it.</param>
    public static bool IsLeftover(UnfinishedReport report, UploadRecord? record, bool ended, NodeId node, TimeSpan expiry)
    {
        if (ended) return true;
        var idle = TimeSpan.FromSeconds(report.IdleSeconds);
        // Redis may have lost it, and is given as long to find it again as its client would have.
        if (record is null) return idle >= expiry + _opening;
        return record.Targets is { } targets ? !targets.Contains(node) : idle >= _opening;
    }
}
