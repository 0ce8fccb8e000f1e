using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Uploads;

/// <summary>
/// Makes one upload of several (tus 1.0, concatenation). Its workers are those that have most of the parts, and put them together on their own disks; what one of them does not
/// have it pulls once. The checksum of the whole is combined from those of the parts, so nothing is read here. The parts are removed when the movie stands.
/// </summary>
public sealed partial class JoinParts(
    ResumableUploads uploads, CreateUpload create, FinishUpload finish, EndUpload end, MeetWorkers meet, UploadTargets targets, NodeRegistry registry, WorkerClient workers, TimeProvider time,
    ILogger<JoinParts> logger)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    // Of two equal requests at once the second is to find what the first has made.
    private readonly NameLocks _beginning = new();

    /// <param name="request">With a name, and with the parts' addresses in <see cref="NewUpload.Concat"/>.</param>
    public async Task<(ResumableUpload? Upload, Problem? Refusal)> RunAsync(NewUpload request, IReadOnlyList<UploadId> ids, CancellationToken clientGone)
    {
        if (!await uploads.TryLoadAsync(clientGone)) return (null, FileProblems.ReadOnly);
        var (upload, refusal) = await FindOrBeginAsync(request, ids, clientGone);
        if (upload is null) return (null, refusal);
        if (request.Expected is not null && request.Expected != upload.Record.Expected) return (upload, UploadProblems.OtherExpected);
        if (request.Condition != upload.Record.Condition) return (upload, UploadProblems.OtherCondition);

        using var turn = await upload.EnterAsync(_patience, clientGone);
        if (turn is null) return (upload, UploadProblems.Locked);
        if (upload.Ended) return (null, UploadProblems.Gone);
        if (upload.Record.Version is not null) return (upload, null);
        if (!upload.Record.IsWhole && await JoinAsync(upload, ids, clientGone) is { } failed) return (upload, failed);
        if (await finish.RunAsync(upload) is { } unfinished) return (upload, unfinished);
        foreach (var id in ids.Distinct()) await RemoveAsync(id);
        return (upload, null);
    }

    private async Task<(ResumableUpload? Upload, Problem? Refusal)> FindOrBeginAsync(NewUpload request, IReadOnlyList<UploadId> ids, CancellationToken clientGone)
    {
        using var alone = await _beginning.AcquireWithinAsync(request.Name!.Value, _patience, time);
        if (alone is null) return (null, UploadProblems.Locked);
        // A client whose answer was lost asks for the same again.
        if (uploads.All.FirstOrDefault(known => known.Record.Concat == request.Concat && known.Record.Metadata == request.Metadata) is { } known) return (known, null);
        var (held, refusal) = await HoldAsync(ids, clientGone);
        using var parts = held;
        if (parts is null) return (null, refusal);
        var length = ids.Sum(id => parts[id].Offset);
        return await create.RunAsync(request with { Length = length }, clientGone, node => ids.Where(id => parts[id].Targets?.Contains(node) == true).Sum(id => parts[id].Offset));
    }

    /// <summary>Nobody sends to them, removes them or lets them expire while they are judged and joined.</summary>
    private async Task<(HeldParts? Parts, Problem? Refusal)> HoldAsync(IReadOnlyList<UploadId> ids, CancellationToken clientGone)
    {
        var parts = new HeldParts();
        try
        {
            // In the same order for everybody: two that want the same parts would wait for each other.
            foreach (var id in ids.Distinct().OrderBy(id => id.Value, StringComparer.Ordinal))
            {
                if (uploads.Find(id) is not { Record.IsPartial: true } part) return (null, UploadProblems.NoSuchPart(id));
                // What is known to lack bytes is no reason to cut off whoever sends them.
                if (part.Met && !part.Record.IsWhole) return (null, UploadProblems.UnfinishedPart(id));
                if (await part.EnterAsync(_patience, clientGone) is not { } turn) return (null, UploadProblems.Locked);
                parts.Add(part, turn);
                if (part.Ended) return (null, UploadProblems.NoSuchPart(id));
                if (await meet.RunAsync(part) is { } gone) return (null, gone);
                if (!part.Record.IsWhole) return (null, UploadProblems.UnfinishedPart(id));
                // Its client was told so, or would have been; only removing it has failed until now.
                if (part.Record.IsAnother) return (null, await finish.RunAsync(part) ?? UploadProblems.NoSuchPart(id));
            }

            var held = parts;
            parts = null;
            return (held, null);
        }
        finally
        {
            parts?.Dispose();
        }
    }

    private async Task<Problem?> JoinAsync(ResumableUpload upload, IReadOnlyList<UploadId> ids, CancellationToken clientGone)
    {
        var (held, refusal) = await HoldAsync(ids, clientGone);
        using var parts = held;
        if (parts is null)
        {
            // No part comes back, so nothing would ever become of what was begun, and its room is to be free at once.
            if (!ids.All(id => uploads.Find(id) is { Record.IsPartial: true, Ended: false })) await end.TerminateAsync(upload);
            return refusal;
        }

        // From here on it goes on without its client: half a movie is nobody's wish.
        var record = upload.Record;
        var view = registry.View;
        var whole = ids.Aggregate(default(UploadProgress), (sum, id) => sum.Append(parts[id].Offset, parts[id].Checksum));
        // Known before a byte is copied: what is not what the client expects ends as it would after.
        if (record.Expected is { } expected && expected != whole.Checksum)
            return await end.TerminateAsync(upload) ?? FileProblems.ChecksumMismatch($"CRC-32 {expected}", whole.Checksum);
        var join = new JoinUpload(whole.Offset, whole.Checksum, [.. ids.Select(id => new UploadPart(
            id, parts[id].Offset, parts[id].Checksum,
            [.. (parts[id].Targets ?? []).Select(view.Find).OfType<NodeView>().Where(node => node.Alive).Select(node => new PullSource(node.Id, node.Address))]))]);
        var reachable = targets.Reachable(record);
        var answers = await Task.WhenAll(reachable.Select(target => workers.JoinAsync(target, record.Id, join, CancellationToken.None)));
        var have = new List<NodeId>();
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i] is { Succeeded: true, Value: { } receipt } && receipt.Size == whole.Offset && receipt.Checksum == whole.Checksum) have.Add(reachable[i].Id);
            else LogNotJoined(reachable[i].Address, record.Id, answers[i].Failure ?? new NodeFailure.Disagreed("it has put other bytes together"));
        }

        if (have.Count == 0) return UploadProblems.WorkersAway;
        targets.Drop(record.Id, record.Targets!.Except(have));
        return await uploads.SaveAsync(upload, record with { Offset = whole.Offset, Checksum = whole.Checksum, Targets = have }) ? null : FileProblems.ReadOnly;
    }

    private async Task RemoveAsync(UploadId id)
    {
        if (uploads.Find(id) is not { Record.IsPartial: true } part) return;
        using var turn = await part.EnterAsync(_patience, CancellationToken.None);
        // Whoever stays is removed when it expires.
        if (turn is not null && !part.Ended) await end.RunAsync(part);
    }

    /// <summary>Parts, and the turns of all of them.</summary>
    private sealed class HeldParts : IDisposable
    {
        private readonly Dictionary<UploadId, (ResumableUpload Part, UploadTurn Turn)> _held = [];

        public UploadRecord this[UploadId id] => _held[id].Part.Record;

        public void Add(ResumableUpload part, UploadTurn turn) => _held.Add(part.Id, (part, turn));

        public void Dispose()
        {
            foreach (var (_, turn) in _held.Values) turn.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} could not put upload {Upload} together: {Reason}.")]
    private partial void LogNotJoined(string address, UploadId upload, NodeFailure reason);
}
