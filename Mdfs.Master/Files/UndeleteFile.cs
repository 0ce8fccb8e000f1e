using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Files;

/// <summary>A deleted or overwritten version that can be brought back.</summary>
/// <param name="Nodes">Live workers that still have its bytes.</param>
public sealed record TrashedMovie(ReplicaDescription Replica, DateTimeOffset RemovedAt, IReadOnlyList<NodeView> Nodes);

/// <summary>
/// Brings a deleted movie back: an upload whose bytes come from the workers' trash. It is committed under a new version, so that no tombstone covers it, by
/// the same steps as every upload, so that no crash and no lost reply can do to it what they cannot do to those.
/// </summary>
public sealed class UndeleteFile(NodeRegistry registry, FileCatalog catalog, CatalogSession session, WorkerClient workers, CommitUpload commit)
{
    /// <summary>What live workers have, the latest first.</summary>
    public async Task<IReadOnlyList<TrashedMovie>> ListAsync(FileName? name, CancellationToken cancellationToken)
    {
        var trash = await registry.AskAllAsync(node => workers.ListTrashAsync(node, name, cancellationToken));
        return [.. trash
            .SelectMany(pair => pair.Answer.Replicas.Select(one => (pair.Node, Trashed: one)))
            .GroupBy(one => one.Trashed.Replica.Version)
            .Select(group => new TrashedMovie(group.First().Trashed.Replica, group.Max(one => one.Trashed.RemovedAt), [.. group.Select(one => one.Node)]))
            .OrderByDescending(movie => movie.RemovedAt)];
    }

    /// <param name="version">Null: the latest of that name.</param>
    public async Task<StoreResult> RunAsync(FileName name, MovieVersion? version, CancellationToken cancellationToken)
    {
        if (!session.Attached) return new StoreResult.Refused(FileProblems.ReadOnly);
        if (session.IsUncertain) return new StoreResult.Refused(FileProblems.Rebuilding);
        if (catalog.Find(name) is { } present) return new StoreResult.Refused(FileProblems.NameTaken(name, present.Version));
        var trashed = (await ListAsync(name, cancellationToken)).Where(movie => version is null || movie.Replica.Version == version).MaxBy(movie => movie.Replica.Version);
        if (trashed is null) return new StoreResult.Refused(FileProblems.NotInTrash(name));

        var (upload, replica) = (UploadId.Undeleting(trashed.Replica.Version), trashed.Replica);
        return await commit.WhileOpenAsync(upload, async () =>
        {
            var holders = trashed.Nodes.Select(NodeView.AddressOf).ToList();
            var answers = await Task.WhenAll(holders.Select(holder => workers.RestoreAsync(holder, replica.Version, upload, replica.Size, cancellationToken)));
            var receipts = answers.Where(answer => answer.Succeeded).Select(answer => answer.Value!).Where(receipt => receipt.Size == replica.Size && receipt.Checksum == replica.Checksum).ToList();
            if (receipts.Count == 0) return new StoreResult.Refused(FileProblems.NotInTrash(name));
            var sent = new FanOutResult(FanOutOutcome.Completed, replica.Size, replica.Checksum, null, receipts, []);
            // The next attempt goes on with the bytes by the same id; until then they are nobody's upload.
            return await commit.RunAsync(upload, name, sent, holders, new CommitTerms { Keep = true, Refuse = taken => taken is null ? null : FileProblems.NameTaken(name, taken.Version) });
        });
    }
}
