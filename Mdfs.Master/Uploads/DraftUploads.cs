using System.Globalization;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Uploads;

/// <summary>
/// Resumable uploads as the IETF drafts them (draft-ietf-httpbis-resumable-upload, interop version 8), at the same addresses and on the same store as tus: which of the two a request
/// speaks is seen by its headers. What differs from the draft stands in docs/http-api.md.
/// </summary>
public sealed class DraftUploads(
    ResumableUploads uploads, CreateUpload create, AppendToUpload append, FinishUpload finish, EndUpload end, MeetWorkers meet, NodeRegistry registry, FileCatalog catalog,
    IOptions<MasterOptions> options)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    /// <param name="id">Of the upload; null for the address where uploads begin.</param>
    public async Task<IResult> HandleAsync(HttpContext context, string? id)
    {
        var method = context.Request.Method;
        if (id is null) return HttpMethods.IsPost(method) ? await CreateAsync(context) : TypedResults.StatusCode(StatusCodes.Status405MethodNotAllowed);
        context.Response.Headers.CacheControl = "no-store";
        if (!UploadId.TryParse(id, out var parsed)) return UploadProblems.NotFound;
        if (!await uploads.TryLoadAsync(context.RequestAborted)) return FileProblems.ReadOnly;
        if (uploads.Find(parsed) is not { } upload) return uploads.WasEnded(parsed) ? UploadProblems.Gone : UploadProblems.NotFound;
        using var turn = await upload.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        if (upload.Ended) return UploadProblems.Gone;
        if (HttpMethods.IsPatch(method)) return await AppendAsync(context, upload, turn);
        return HttpMethods.IsDelete(method) ? await CancelAsync(upload) : await OffsetAsync(context, upload);
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var request = context.Request;
        if (DraftHeaders.Boolean(request, DraftHeaders.UploadComplete) is not { } complete) return UploadProblems.BadHeader("Upload-Complete must be ?1 or ?0: it says whether the body is all there is.");
        if (Length(request, 0, complete, out var length) is { } inconsistent) return inconsistent;
        if (!options.Value.Names.TryAccept(NameOf(request), out var name, out var problem)) return FileProblems.BadName(problem + " It is taken from Content-Disposition.");

        if (UploadEndpoints.ReadExpected(request, out var expected) is { } unreadable) return unreadable;
        ClassicEndpoints.LiftLimits(context, options.Value.MaxFileSize);
        var (upload, refusal) = await create.RunAsync(new NewUpload(name, length, null, null, Draft: true, Expected: expected, Condition: ChangeCondition.Of(request)), context.RequestAborted);
        if (refusal is not null) return Refuse(context, refusal);
        using var turn = await upload!.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        var location = $"{UploadEndpoints.Root}/{upload.Id}";
        if (request.Headers[DraftHeaders.UploadDraftInteropVersion] == DraftHeaders.InteropVersion)
        {
            await InterimResponse.SendAsync(
                context, (HeaderNames.Location, location), (DraftHeaders.UploadLimit, Limit(upload)), (DraftHeaders.UploadDraftInteropVersion, DraftHeaders.InteropVersion));
        }

        context.Response.Headers.Location = location;
        return await TakeAsync(context, upload, turn, new Piece(0, null, request.Body, request.ContentLength ?? (request.Headers.TransferEncoding.Count > 0 ? null : 0), null), complete)
            ?? Described(context, upload, StatusCodes.Status201Created);
    }

    private async Task<IResult> OffsetAsync(HttpContext context, ResumableUpload upload)
    {
        if (await meet.RunAsync(upload) is { } gone) return gone;
        if (await finish.RunAsync(upload) is { } unfinished) return unfinished;
        if (!await uploads.SaveAsync(upload)) return FileProblems.ReadOnly;
        return Described(context, upload, StatusCodes.Status204NoContent);
    }

    private async Task<IResult> AppendAsync(HttpContext context, ResumableUpload upload, UploadTurn turn)
    {
        var request = context.Request;
        ClassicEndpoints.LiftLimits(context, options.Value.MaxFileSize);
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals(DraftHeaders.ContentType, StringComparison.OrdinalIgnoreCase))
            return UploadProblems.NotOctets(DraftHeaders.ContentType);
        if (DraftHeaders.Integer(request, TusHeaders.UploadOffset) is not { } offset) return UploadProblems.BadHeader("Upload-Offset is missing: it says where the piece begins.");
        if (DraftHeaders.Boolean(request, DraftHeaders.UploadComplete) is not { } complete) return UploadProblems.BadHeader("Upload-Complete must be ?1 or ?0: it says whether the upload ends with this piece.");
        if (UploadEndpoints.ReadExpected(request, out var expected) is { } unreadable) return Refuse(context, unreadable);
        // Its answer was lost: the same is answered again.
        if (upload.Record.Version is not null && complete && offset + (request.ContentLength ?? 0) == upload.Record.Offset) return Stored(context, upload, StatusCodes.Status200OK);
        if (Length(request, offset, complete, out var length) is { } inconsistent) return Refuse(context, inconsistent);
        return await TakeAsync(context, upload, turn, new Piece(offset, length, request.Body, request.ContentLength, null, expected), complete) ?? Described(context, upload, StatusCodes.Status204NoContent);
    }

    /// <returns>Null: the piece is there, and others follow.</returns>
    private async Task<IResult?> TakeAsync(HttpContext context, ResumableUpload upload, UploadTurn turn, Piece piece, bool complete)
    {
        switch (await append.RunAsync(upload, piece, turn, context.RequestAborted))
        {
            case AppendResult.Refused { Problem: var problem }:
                // An offset beyond the length makes the upload invalid (section "Upload Append").
                if (problem.Slug == UploadProblems.BeyondLength(0).Slug && upload.Record.Version is null) await end.TerminateAsync(upload);
                if (problem.Extensions.TryGetValue("expected-offset", out var expected)) context.Response.Headers[TusHeaders.UploadOffset] = $"{expected}";
                return Refuse(context, problem);
            case AppendResult.BrokenOff { End: PieceEnd.ClientFailed } when !context.RequestAborted.IsCancellationRequested:
                return Refuse(context, UploadProblems.BrokenOff);
            case AppendResult.BrokenOff:
                context.Abort();
                return TypedResults.Empty;
        }

        if (!complete) return null;
        var record = upload.Record;
        if (record.Length is { } length && length != record.Offset) return Refuse(context, UploadProblems.LengthDiffers(length, record.Offset));
        if (!await append.CloseAsync(upload)) return Refuse(context, FileProblems.ReadOnly);
        if (await finish.RunAsync(upload) is { } unfinished) return Refuse(context, unfinished);
        return Stored(context, upload, context.Response.Headers.Location.Count > 0 ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task<IResult> CancelAsync(ResumableUpload upload) => await end.TerminateAsync(upload) is { } problem ? problem : TypedResults.NoContent();

    /// <summary>What a PUT would have been answered, and that it is the end.</summary>
    private IResult Stored(HttpContext context, ResumableUpload upload, int status)
    {
        Describe(context, upload);
        var record = upload.Record;
        if (record.Name is not { } name || catalog.Find(name) is not { } entry || entry.Version != record.Version) return TypedResults.StatusCode(status);
        context.Response.Headers.ETag = entry.Version.ETag;
        return TypedResults.Json(StoredFacts.Of(entry, Copies.Count(registry, entry.Replica), options.Value.ReplicationFactor), statusCode: status);
    }

    private IResult Described(HttpContext context, ResumableUpload upload, int status)
    {
        Describe(context, upload);
        return TypedResults.StatusCode(status);
    }

    private void Describe(HttpContext context, ResumableUpload upload)
    {
        var (record, headers) = (upload.Record, context.Response.Headers);
        headers[TusHeaders.UploadOffset] = record.Offset.ToString(CultureInfo.InvariantCulture);
        headers[DraftHeaders.UploadComplete] = DraftHeaders.Of(record.Version is not null);
        if (record.Length is { } length) headers[TusHeaders.UploadLength] = length.ToString(CultureInfo.InvariantCulture);
        headers[DraftHeaders.UploadLimit] = Limit(upload);
    }

    private Problem Refuse(HttpContext context, Problem problem)
    {
        context.Response.Headers[DraftHeaders.UploadComplete] = DraftHeaders.Of(false);
        if (problem.Status == StatusCodes.Status413PayloadTooLarge) context.Response.Headers[DraftHeaders.UploadLimit] = DraftHeaders.Limit(options.Value, null);
        return problem;
    }

    private string Limit(ResumableUpload upload) => DraftHeaders.Limit(options.Value, uploads.Left(upload.Record));

    /// <summary>By Upload-Length, or by Content-Length of a piece that ends the upload; where both stand they have to agree (section "Length").</summary>
    private static Problem? Length(HttpRequest request, long offset, bool complete, out long? length)
    {
        length = DraftHeaders.Integer(request, TusHeaders.UploadLength);
        if (!complete || request.ContentLength is not { } body) return null;
        if (length is { } told && told != offset + body) return UploadProblems.LengthDiffers(told, offset + body);
        length = offset + body;
        return null;
    }

    private static string? NameOf(HttpRequest request)
    {
        if (!ContentDispositionHeaderValue.TryParse(request.Headers.ContentDisposition.ToString(), out var disposition)) return null;
        return (disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.UnescapeAsQuotedString(disposition.FileName)).Value;
    }
}
