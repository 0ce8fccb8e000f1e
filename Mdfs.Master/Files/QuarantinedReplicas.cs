using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Files;

/// <summary>
/// What workers have put aside, for an admin to judge (design, section 2.2). Adopting is an upload whose bytes come from the quarantine, as undeleting is one
/// whose bytes come from the trash: it gets a version that no tombstone covers, and the quarantine keeps its bytes until the commit stands.
/// </summary>
public sealed class QuarantinedReplicas(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, WorkerClient workers, CommitUpload commit, ActivityLog activity)
{
    /// <summary>What live workers have, the latest first.</summary>
    public async Task<IReadOnlyList<(NodeView Node, QuarantinedReplica Replica)>> ListAsync(CancellationToken cancellationToken)
    {
        var quarantines = await registry.AskAllAsync(node => workers.ListQuarantineAsync(node, cancellationToken));
        return [.. quarantines.SelectMany(pair => pair.Answer.Replicas.Select(one => (pair.Node, one))).OrderByDescending(pair => pair.one.PutAt)];
    }

    /// <param name="name">What it shall be called; null: as it was.</param>
    public async Task<StoreResult> AdoptAsync(NodeView node, string id, FileName? name, CancellationToken cancellationToken)
    {
        if (!session.Attached) return new StoreResult.Refused(FileProblems.ReadOnly);
        if (session.IsUncertain) return new StoreResult.Refused(FileProblems.Rebuilding);
        var to = NodeView.AddressOf(node);
        var listed = await workers.ListQuarantineAsync(to, cancellationToken);
        if (!listed.Succeeded) return new StoreResult.Refused(QuarantineProblems.NodeFailed(node.RingKey));
        if (listed.Value.Replicas.FirstOrDefault(one => one.Id == id) is not { } found) return new StoreResult.Refused(QuarantineProblems.NotThere(id));
        if ((name ?? found.Replica?.Name) is not { } wanted) return new StoreResult.Refused(QuarantineProblems.Nameless);
        if (catalog.Find(wanted) is { } present) return new StoreResult.Refused(QuarantineProblems.NameTaken(wanted, present.Version));

        var upload = UploadId.New();
        return await commit.WhileOpenAsync(upload, async () =>
        {
            var answer = await workers.AdoptQuarantinedAsync(to, id, upload, found.Size, cancellationToken);
            if (!answer.Succeeded)
                return new StoreResult.Refused(answer.Failure is NodeFailure.Refused { Refusal.Code: NodeRefusal.Damaged } ? QuarantineProblems.Damaged(id) : QuarantineProblems.NodeFailed(node.RingKey));
            var receipt = answer.Value;
            var sent = new FanOutResult(FanOutOutcome.Completed, receipt.Size, receipt.Checksum, null, [receipt], []);
            var result = await commit.RunAsync(upload, wanted, sent, [to], new CommitTerms { Refuse = taken => taken is null ? null : QuarantineProblems.NameTaken(wanted, taken.Version) });
            // What is prepared and not committed goes by itself after a day; until then it costs nothing, being linked.
            if (result is not StoreResult.Stored) return result;
            activity.Note(ActivityKinds.Adopted, wanted, node.RingKey, detail: found.Reason, size: receipt.Size);
            // Should this be lost the bytes have two names there until somebody purges the other one.
            await workers.PurgeQuarantinedAsync(to, id, CancellationToken.None);
            return result;
        });
    }

    /// <returns>Why it is still there, or null.</returns>
    public async Task<Problem?> PurgeAsync(NodeView node, string id, CancellationToken cancellationToken)
    {
        var answer = await workers.PurgeQuarantinedAsync(NodeView.AddressOf(node), id, cancellationToken);
        if (!answer.Succeeded) return answer.Failure is NodeFailure.Refused { Refusal.Code: NodeRefusal.Unknown } ? QuarantineProblems.NotThere(id) : QuarantineProblems.NodeFailed(node.RingKey);
        activity.Note(ActivityKinds.Purged, node: node.RingKey, detail: id);
        return null;
    }
}
