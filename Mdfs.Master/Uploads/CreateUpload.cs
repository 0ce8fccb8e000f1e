using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Files;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>What a client wants to upload.</summary>
/// <param name="Name">Null for a part.</param>
/// <param name="Length">Bytes; null when the client does not know yet.</param>
/// <param name="Metadata">To be kept and told again, or null.</param>
/// <param name="Concat">Null, <see cref="UploadConcat.Partial"/>, or what the upload is put together from.</param>
/// <param name="Place">For a part without a name.</param>
/// <param name="Draft">By the IETF draft.</param>
/// <param name="Expected">CRC-32 that the client says the whole has, or null.</param>
/// <param name="Condition">Under which it is to become a movie, or null.</param>
public sealed record NewUpload(
    FileName? Name, long? Length, string? Metadata, string? Concat, FileName? Place = null, bool Draft = false, Checksum? Expected = null, ChangeCondition? Condition = null);

/// <summary>
/// Begins a resumable upload. Where its length is known, its workers are chosen and the space is reserved now, so that a full cluster says so before the first
/// byte. Where it is not, they are chosen with the first byte: that request may bring the length, and an upload that never begins costs nobody anything.
/// </summary>
public sealed class CreateUpload(ResumableUploads uploads, UploadTargets targets, CatalogSession session, FileCatalog catalog, UploadMetrics metrics, IOptions<MasterOptions> options, TimeProvider time)
{
    /// <param name="held">Bytes of it that lie on a node already: such nodes are preferred.</param>
    public async Task<(ResumableUpload? Upload, Problem? Refusal)> RunAsync(NewUpload request, CancellationToken clientGone, Func<NodeId, long>? held = null)
    {
        if (!session.Attached || session.Health.State == StoreState.Unreachable || !await uploads.TryLoadAsync(clientGone)) return (null, FileProblems.ReadOnly);
        if (request.Length > options.Value.MaxFileSize) return (null, FileProblems.TooLarge(options.Value.MaxFileSize));
        if (request.Name is { } name && request.Condition?.Refuse(catalog.Find(name), session, time.GetUtcNow()) is { } refused) return (null, refused);
        var record = new UploadRecord
        {
            Id = UploadId.New(),
            Name = request.Name,
            Length = request.Length,
            Metadata = request.Metadata,
            Concat = request.Concat,
            Place = request.Place,
            Draft = request.Draft,
            Expected = request.Expected,
            Condition = request.Condition,
            CreatedAt = time.GetUtcNow(),
        };
        if (record.Length is not null)
        {
            var (opened, refusal) = await targets.OpenAsync(record.Id, PlacedAs(record), record.Length, clientGone, held);
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

    /// <summary>By what the ring is walked.</summary>
    public static FileName PlacedAs(UploadRecord record) => record.Name ?? record.Place ?? FileName.Parse(record.Id.Value);
}
