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
    ResumableUploads uploads, CreateUpload create, FinishUpload finish, EndUpload end, MeetWorkers meet, UploadTargets targets, NodeRegistry registry, WorkerClient workers,
    ILogger<JoinParts> logger)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    /// <param name="request">With the parts' addresses in <see cref="NewUpload.Concat"/>.</param>
    public async Task<(ResumableUpload? Upload, Problem? Refusal)> RunAsync(NewUpload request, IReadOnlyList<UploadId> ids, CancellationToken clientGone)
    {
        if (!await uploads.TryLoadAsync(clientGone)) return (null, FileProblems.ReadOnly);
        // A client whose answer was lost asks for the same again.
        var upload = uploads.All.FirstOrDefault(known => known.Record.Concat == request.Concat && known.Record.Metadata == request.Metadata);
        var parts = new List<ResumableUpload>();
        if (upload?.Record.Version is null)
        {
            foreach (var id in ids)
            {
                if (uploads.Find(id) is not { Record.IsPartial: true } part) return (null, UploadProblems.NoSuchPart(id));
                if (await meet.RunAsync(part) is { } gone) return (null, gone);
                if (!part.Record.IsWhole) return (null, UploadProblems.UnfinishedPart(id));
                parts.Add(part);
            }
        }

        if (upload is null)
        {
            var length = parts.Sum(part => part.Record.Offset);
            (upload, var refusal) = await create.RunAsync(request with { Length = length }, clientGone, node => parts.Where(part => part.Record.Targets?.Contains(node) == true).Sum(part => part.Record.Offset));
            if (refusal is not null) return (null, refusal);
        }

        using var turn = await upload!.EnterAsync(_patience, clientGone);
        if (turn is null) return (upload, UploadProblems.Locked);
        if (upload.Record.Version is not null) return (upload, null);
        // From here on it goes on without its client: half a movie is nobody's wish.
        if (!upload.Record.IsWhole && await JoinAsync(upload, parts) is { } failed) return (upload, failed);
        if (await finish.RunAsync(upload) is { } unfinished) return (upload, unfinished);
        foreach (var part in parts.Distinct()) await RemoveAsync(part);
        return (upload, null);
    }

    private async Task<Problem?> JoinAsync(ResumableUpload upload, List<ResumableUpload> parts)
    {
        var record = upload.Record;
        var view = registry.View;
        var whole = parts.Aggregate(default(UploadProgress), (sum, part) => sum.Append(part.Record.Offset, part.Record.Checksum));
        var join = new JoinUpload(whole.Offset, whole.Checksum, [.. parts.Select(part => new UploadPart(
            part.Id, part.Record.Offset, part.Record.Checksum,
            [.. (part.Record.Targets ?? []).Select(view.Find).OfType<NodeView>().Where(node => node.Alive).Select(node => new PullSource(node.Id, node.Address))]))]);
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

    private async Task RemoveAsync(ResumableUpload part)
    {
        using var turn = await part.EnterAsync(_patience, CancellationToken.None);
        // Whoever stays is removed when it expires.
        if (turn is not null && !part.Ended) await end.RunAsync(part);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} could not put upload {Upload} together: {Reason}.")]
    private partial void LogNotJoined(string address, UploadId upload, NodeFailure reason);
}
