using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Replication;

/// <summary>
/// Puts an upload together from its parts: those that lie here are copied inside this disk, the others are pulled once from a node that has them. Every part is compared
/// with its checksum on the way, and the whole with what the master has combined.
/// </summary>
internal sealed partial class PartJoin(
    AppendStore store, ByteClient client, NodeTokens tokens, NodeMemory memory, MasterClock clock, IOptions<WorkerOptions> options, ILogger<PartJoin> logger)
{
    public async Task<Outcome<PreparedReceipt>> RunAsync(UploadId upload, JoinUpload request, CancellationToken cancellation)
    {
        var whole = new CompleteUpload(request.Size, request.Checksum);
        // Joined already, and the answer was lost.
        if (store.Find(upload) is not { Prepared: true } && await store.FillAsync(upload, whole, FillAsync, cancellation) is { } refusal) return refusal;
        return await store.CompleteAsync(upload, whole, cancellation);

        async Task<NodeRefusal?> FillAsync(PartFile into, CancellationToken stop)
        {
            foreach (var part in request.Parts)
            {
                if (await AppendAsync(part, into, stop) is { } why) return why;
            }

            return null;
        }
    }

    private async Task<NodeRefusal?> AppendAsync(UploadPart part, PartFile into, CancellationToken stop)
    {
        var (length, before) = (into.Length, into.Checksum);
        var expected = ChecksumJoin.Append(before, part.Checksum, part.Size);
        if (part.Size == 0) return null;
        using (var here = store.TryRead(part.Upload, part.Size))
        {
            if (here is not null)
            {
                await into.AppendAsync(here, part.Size, stop);
                return into.Checksum == expected ? null : WorkerProblems.OtherBytes(part.Upload);
            }
        }

        string? trouble = null;
        foreach (var source in part.Sources.Where(source => source.Node != memory.Id))
        {
            trouble = await PullAsync(part, source, into, length + part.Size - into.Length, stop);
            if (trouble is not null) LogNotPulled(part.Upload, source.Address, trouble);
            else break;
        }

        if (into.Length != length + part.Size) return WorkerProblems.MissingPart(part.Upload, trouble ?? "no other node has it");
        return into.Checksum == expected ? null : WorkerProblems.OtherBytes(part.Upload);
    }

    /// <summary>Goes on from where another source broke.</summary>
    private async Task<string?> PullAsync(UploadPart part, PullSource source, PartFile into, long missing, CancellationToken stop)
    {
        var target = Routes.Worker.UploadBytesPath(part.Upload, part.Size - missing, missing);
        var token = tokens.Issue(NodePurpose.Peer, "GET", target, memory.Id.Value, source.Node.Value, memory.Facts.Epoch, clock.Now);
        var answer = await client.OpenWindowAsync(source.Address, target, token, missing, options.Value.IdleTimeout, stop);
        if (!answer.Succeeded) return answer.Failure.Reason;
        using var window = answer.Value;
        for (int read; (read = await window.ReadAsync(into.Room())) > 0;) await into.AdvanceAsync(read, stop);
        return window.Failure?.Reason;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Part {Upload} could not be had from {Address}: {Reason}")]
    private partial void LogNotPulled(UploadId upload, string address, string reason);
}
