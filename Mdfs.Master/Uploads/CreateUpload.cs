using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Files;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>What a client wants to upload.</summary>
/// <param name="Name">Null for a part.</param>
/// <param name="Length">Bytes; null when the client does not know yet.</param>
/// <param name="Metadata">To be kept and told again, or null.</param>
/// <param name="Concat">Null, or <see cref="UploadConcat.Partial"/>.</param>
public sealed record NewUpload(FileName? Name, long? Length, string? Metadata, string? Concat);

/// <summary>
/// Begins a resumable upload. Where its length is known, its workers are chosen and the space is reserved now, so that a full cluster says so before the first
/// byte. Where it is not, they are chosen with the first byte: that request may bring the length, and an upload that never begins costs nobody anything.
/// </summary>
public sealed class CreateUpload(ResumableUploads uploads, UploadTargets targets, CatalogSession session, UploadMetrics metrics, IOptions<MasterOptions> options, TimeProvider time)
{
    public async Task<(ResumableUpload? Upload, Problem? Refusal)> RunAsync(NewUpload request, CancellationToken clientGone)
    {
        if (!session.Attached || session.Health.State == StoreState.Unreachable || !await uploads.TryLoadAsync(clientGone)) return (null, FileProblems.ReadOnly);
        if (request.Length > options.Value.MaxFileSize) return (null, FileProblems.TooLarge(options.Value.MaxFileSize));
        var record = new UploadRecord
        {
            Id = UploadId.New(), Name = request.Name, Length = request.Length, Metadata = request.Metadata, Concat = request.Concat, CreatedAt = time.GetUtcNow(),
        };
        if (record.Length is not null)
        {
            var (opened, refusal) = await targets.OpenAsync(record.Id, PlacedAs(record), record.Length, clientGone);
            if (refusal is not null) return (null, refusal);
            record = record with { Targets = opened };
        }

        if (await uploads.AddAsync(record) is { } upload)
        {
            metrics.Created();
            return (upload, null);
        }

        targets.Drop(record.Id, record.Targets ?? []);
        return (null, FileProblems.ReadOnly);
    }

    /// <summary>By what the ring is walked: the name, or for a part that does not say of which movie, its id.</summary>
    public static FileName PlacedAs(UploadRecord record) => record.Name ?? FileName.Parse(record.Id.Value);
}
