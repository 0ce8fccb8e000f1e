using System.ComponentModel;
using System.Globalization;
using Mdfs.Master.Files;
using Mdfs.Master.Status;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Uploads;

/// <summary>Resumable uploads by tus 1.0 (tus.io/protocols/resumable-upload), and by the IETF draft (<see cref="DraftUploads"/>).</summary>
public static class UploadEndpoints
{
    public const string Root = "/api/uploads";

    internal const string Id = "The upload's id, as it stands in Location.";

    private static readonly UploadId _example = UploadId.TryParse("24e533e02ec3bc40c387f1a0e460e216", out var id) ? id : default;

    // Longer than a worker that hangs is waited for: whoever is cut off puts away what came.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    private static readonly (string Name, string Description) _version = (TusHeaders.TusResumable, "The version of tus that is spoken: 1.0.0. Without it the request is one of the draft, or is refused.");
    private static readonly (string Name, string Description) _length = (TusHeaders.UploadLength, "Bytes of the whole movie.");
    private static readonly (string Name, string Description) _check = (TusHeaders.UploadChecksum, $"An algorithm, a space, and the checksum of this body in base64: {PieceCheck.Algorithms}. It may also come as a trailer.");

    public static void MapResumableUploads(this IEndpointRouteBuilder routes)
    {
        var uploads = routes.MapGroup(Root).WithTags("Resumable uploads").AddEndpointFilter(RequireVersion);
        uploads.MapPost("", CreateAsync).RequireAdmin().Accepts<Stream>(TusHeaders.ContentType, DraftHeaders.ContentType, "*/*")
            .WithSummary("Begin a resumable upload").WithDescription("tus 1.0. Upload-Length (or Upload-Defer-Length: 1) and Upload-Metadata with 'filename' are needed; the body may hold the first bytes. Upload-Concat makes parts, and one movie of parts. X-Mdfs-Checksum may say which CRC-32 the whole has; If-Match or If-None-Match (*: only if there is none), judged now and when all bytes are there, which version is to be replaced.")
            .TakesConditions()
            .ReadsHeaders(
                _version, _length, (TusHeaders.UploadDeferLength, "1: the length is told later, by a PATCH."),
                (TusHeaders.UploadMetadata, "Pairs of a key and a value in base64, with commas between. 'filename' is the movie's name."), _check, ExpectedContent.Headers[0],
                (TusHeaders.UploadConcat, "partial: a part of a movie; or final; and the addresses of the parts, with spaces between."))
            .Answers(201, "The upload is under the address in Location.")
            .Refuses(
                UploadProblems.BadHeader("Upload-Length must be a whole number, not below zero."), FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.TooLarge(1L << 40),
                UploadProblems.NotOctets(TusHeaders.ContentType), UploadProblems.UnknownVersion, FileProblems.ReadOnly, FileProblems.NoWorkers, FileProblems.NoSpace,
                UploadProblems.DigestNotChecked, FileProblems.ChecksumMismatch("CRC-32 0a1b2c3e", new Checksum(0x0a1b2c3d)), UploadProblems.NoSuchPart(_example), UploadProblems.UnfinishedPart(_example), UploadProblems.NoConcatTarget, UploadProblems.WorkersAway);
        uploads.MapMethods("/{id}", ["GET", "HEAD"], OffsetAsync).RequireAdmin()
            .WithSummary("How far an upload has come").WithDescription("Upload-Offset is durable on every worker that counts. A request for the same upload that is still under way is cut off.")
            .ReadsHeaders(_version)
            .Answers(200, "Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires.").RefusesUploads().Refuses(FileProblems.PreconditionFailed(new MovieVersion(ApiExamples.File.Version)));
        uploads.MapPatch("/{id}", AppendAsync).RequireAdmin().Accepts<Stream>(TusHeaders.ContentType, DraftHeaders.ContentType, "*/*")
            .WithSummary("Go on with an upload").WithDescription("The body is appended at Upload-Offset. With the last byte the movie is stored. What arrives before a connection breaks is kept.")
            .ReadsHeaders(_version, (TusHeaders.UploadOffset, "Where in the upload the body begins: what HEAD has answered."), _length with { Description = "Bytes of the whole movie, where that was left open." }, _check, ExpectedContent.Headers[0])
            .Answers(204, "All of the body is durable; Upload-Offset says how far the upload is.").RefusesUploads()
            .Refuses(
                UploadProblems.OffsetMismatch(100, 50), UploadProblems.LengthDiffers(100, 50), UploadProblems.BeyondLength(100), UploadProblems.NotOctets(TusHeaders.ContentType),
                UploadProblems.UnknownChecksum("md5", PieceCheck.Algorithms), UploadProblems.ChecksumMismatch, UploadProblems.DigestNotChecked, FileProblems.ChecksumMismatch("CRC-32 0a1b2c3e", new Checksum(0x0a1b2c3d)), UploadProblems.BrokenOff, UploadProblems.WorkersAway, FileProblems.OutcomeUnknown,
                FileProblems.TooFewReplicas(1, 2), FileProblems.NotSealed, FileProblems.NoSpace, UploadProblems.NoConcatTarget, FileProblems.PreconditionFailed(new MovieVersion(ApiExamples.File.Version)));
        uploads.MapDelete("/{id}", TerminateAsync).RequireAdmin()
            .WithSummary("Cancel an upload").WithDescription("Its bytes are removed. A movie that it has become stays; DELETE /api/files/{name} deletes that.")
            .ReadsHeaders(_version)
            .Answers(204, "The upload is gone.").RefusesUploads();
        uploads.MapMethods("", ["OPTIONS"], Capabilities).Open()
            .WithSummary("What this server can do").WithDescription("Versions and extensions of tus, the largest upload, and the checksum algorithms, in headers.")
            .Answers(204, "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm.");
        uploads.MapMethods("/{id}", ["OPTIONS"], static (HttpContext context, [Description(Id)] string id, IOptions<MasterOptions> options) => Capabilities(context, options)).Open()
            .WithSummary("What this server can do").WithDescription("The same as for /api/uploads, whichever upload is named.").Answers(204, "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm.");
    }

    /// <summary>What every request for one upload may hear.</summary>
    private static TBuilder RefusesUploads<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.Refuses(UploadProblems.NotFound, UploadProblems.Gone, UploadProblems.Locked, UploadProblems.UnknownVersion, FileProblems.ReadOnly);

    private static ValueTask<object?> RequireVersion(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        var context = call.HttpContext;
        if (DraftHeaders.AreMeant(context.Request) && !HttpMethods.IsOptions(context.Request.Method))
            return Draft(context.RequestServices.GetRequiredService<DraftUploads>().HandleAsync(context, context.GetRouteValue("id") as string));
        if (HttpMethods.IsOptions(context.Request.Method) || context.Request.Headers[TusHeaders.TusResumable] == TusHeaders.Version) return next(call);
        context.Response.Headers[TusHeaders.TusVersion] = TusHeaders.Version;
        return ValueTask.FromResult<object?>(UploadProblems.UnknownVersion);
    }

    private static async ValueTask<object?> Draft(Task<IResult> answer) => await answer;

    private static IResult Capabilities(HttpContext context, IOptions<MasterOptions> options)
    {
        var headers = context.Response.Headers;
        headers[TusHeaders.TusVersion] = TusHeaders.Version;
        headers[TusHeaders.TusExtension] = TusHeaders.Extensions;
        headers[TusHeaders.TusMaxSize] = Text(options.Value.MaxFileSize);
        headers[TusHeaders.TusChecksumAlgorithm] = PieceCheck.Algorithms;
        headers[DraftHeaders.UploadLimit] = DraftHeaders.Limit(options.Value, null);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, CreateUpload create, JoinParts join, PartPlaces places, FinishUpload finish, AppendToUpload append, ResumableUploads uploads, IOptions<MasterOptions> options)
    {
        if (ReadNew(context.Request, options.Value, out var request) is { } malformed) return malformed;
        if (ReadExpected(context.Request, out var expected) is { } unreadable) return unreadable;
        request = request with { Expected = expected };
        var withBody = HasBody(context.Request);
        if (UploadConcat.IsFinal(request.Concat))
        {
            if (withBody) return UploadProblems.NoConcatTarget;
            if (UploadConcat.Parts(request.Concat) is not { } parts) return UploadProblems.BadHeader("Upload-Concat: final; names the parts by their addresses below /api/uploads, with spaces between.");
            var (whole, failure) = await join.RunAsync(request, parts, context.RequestAborted);
            if (whole is null) return failure!;
            if (failure is not null) return Located(context, whole, failure);
            Describe(context, whole, uploads);
            return Located(context, whole, TypedResults.StatusCode(StatusCodes.Status201Created));
        }

        if (request is { Concat: not null, Name: null }) request = request with { Place = places.Of($"{context.Connection.RemoteIpAddress} {context.Request.Headers.UserAgent}") };
        if (withBody && !IsOctets(context.Request)) return UploadProblems.NotOctets(TusHeaders.ContentType);
        if (ReadCheck(context.Request, out var check) is { } unknown) return unknown;
        using var checking = check;
        var (upload, refusal) = await create.RunAsync(request, context.RequestAborted);
        if (refusal is not null) return refusal;
        using var turn = await upload!.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        if (withBody)
        {
            ClassicEndpoints.LiftLimits(context, options.Value.MaxFileSize);
            var piece = new Piece(0, null, context.Request.Body, context.Request.ContentLength, check);
            if (Answer(context, await append.RunAsync(upload, piece, turn, context.RequestAborted)) is { } ended) return Located(context, upload, ended);
        }

        // Of length 0, or with all of its bytes.
        if (await finish.RunAsync(upload) is { } unfinished) return Located(context, upload, unfinished);
        Describe(context, upload, uploads);
        return Located(context, upload, TypedResults.StatusCode(StatusCodes.Status201Created));
    }

    private static async Task<IResult> OffsetAsync(HttpContext context, [Description(Id)] string id, ResumableUploads uploads, MeetWorkers meet, FinishUpload finish)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (upload, refusal) = await FindAsync(id, uploads, context.RequestAborted);
        if (upload is null) return refusal!;
        if (upload.Record is { IsFinal: true, Version: null })
        {
            // Its parts may be on their way together, which is not to be disturbed; and there is no offset to go on from.
            Describe(context, upload, uploads);
            return TypedResults.StatusCode(StatusCodes.Status200OK);
        }

        using var turn = await upload.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        if (upload.Ended) return UploadProblems.Gone;
        if (await meet.RunAsync(upload) is { } gone) return gone;
        // All bytes came, and the movie did not come about: nobody may take the upload for complete before it has.
        if (await finish.RunAsync(upload) is { } unfinished) return unfinished;
        if (!await uploads.SaveAsync(upload)) return FileProblems.ReadOnly;
        // There is no piece left to keep it by.
        if (upload.Record is { IsPartial: true, IsWhole: true }) await uploads.TouchAsync(upload);
        Describe(context, upload, uploads);
        return TypedResults.StatusCode(StatusCodes.Status200OK);
    }

    private static async Task<IResult> AppendAsync(
        HttpContext context, [Description(Id)] string id, ResumableUploads uploads, AppendToUpload append, FinishUpload finish, IOptions<MasterOptions> options)
    {
        ClassicEndpoints.LiftLimits(context, options.Value.MaxFileSize);
        var (upload, refusal) = await FindAsync(id, uploads, context.RequestAborted);
        if (upload is null) return refusal!;
        if (upload.Record.IsFinal) return UploadProblems.NoConcatTarget;
        if (!IsOctets(context.Request)) return UploadProblems.NotOctets(TusHeaders.ContentType);
        if (ReadNumber(context.Request, TusHeaders.UploadOffset, out var offset) is { } badOffset) return badOffset;
        if (offset is null) return UploadProblems.BadHeader("Upload-Offset is missing: it says where the piece begins.");
        if (ReadNumber(context.Request, TusHeaders.UploadLength, out var length) is { } badLength) return badLength;
        if (ReadExpected(context.Request, out var expected) is { } unreadable) return unreadable;
        if (ReadCheck(context.Request, out var check) is { } unknown) return unknown;
        using var checking = check;
        // What lies behind us is refused at once: it is no reason to cut off whoever is ahead.
        if (offset < upload.Record.Offset) return Mismatch(context, upload, offset.Value);

        using var turn = await upload.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        if (upload.Ended) return UploadProblems.Gone;
        var piece = new Piece(offset.Value, length, context.Request.Body, context.Request.ContentLength, check, expected);
        if (Answer(context, await append.RunAsync(upload, piece, turn, context.RequestAborted)) is { } ended) return ended;
        if (await finish.RunAsync(upload) is { } unfinished) return unfinished;
        Describe(context, upload, uploads);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> TerminateAsync(HttpContext context, [Description(Id)] string id, ResumableUploads uploads, EndUpload end)
    {
        var (upload, refusal) = await FindAsync(id, uploads, context.RequestAborted);
        if (upload is null) return refusal!;
        using var turn = await upload.EnterAsync(_patience, context.RequestAborted);
        if (turn is null) return UploadProblems.Locked;
        if (upload.Ended) return UploadProblems.Gone;
        return await end.TerminateAsync(upload) is { } problem ? problem : TypedResults.NoContent();
    }

    private static async Task<(ResumableUpload? Upload, Problem? Refusal)> FindAsync(string id, ResumableUploads uploads, CancellationToken cancellation)
    {
        if (!UploadId.TryParse(id, out var parsed)) return (null, UploadProblems.NotFound);
        if (!await uploads.TryLoadAsync(cancellation)) return (null, FileProblems.ReadOnly);
        if (uploads.Find(parsed) is { } upload) return (upload, null);
        return (null, uploads.WasEnded(parsed) ? UploadProblems.Gone : UploadProblems.NotFound);
    }

    private static void Describe(HttpContext context, ResumableUpload upload, ResumableUploads uploads)
    {
        var record = upload.Record;
        var headers = context.Response.Headers;
        if (!record.IsFinal || record.Version is not null) headers[TusHeaders.UploadOffset] = Text(record.Offset);
        headers[TusHeaders.UploadExpires] = HttpDate.Format(uploads.ExpiresAt(record));
        if (!HttpMethods.IsHead(context.Request.Method) && !HttpMethods.IsGet(context.Request.Method)) return;
        if (record.Length is { } length) headers[TusHeaders.UploadLength] = Text(length);
        else headers[TusHeaders.UploadDeferLength] = "1";
        if (record.Metadata is { } metadata) headers[TusHeaders.UploadMetadata] = metadata;
        if (record.Concat is { } concat) headers[TusHeaders.UploadConcat] = concat;
    }

    // Relative, since nobody here knows by which way the client has come.
    private static IResult Located(HttpContext context, ResumableUpload upload, IResult answer)
    {
        context.Response.Headers.Location = $"{Root}/{upload.Id}";
        return answer;
    }

    /// <summary>Null: all of the body is there.</summary>
    private static IResult? Answer(HttpContext context, AppendResult result)
    {
        switch (result)
        {
            case AppendResult.Refused refused:
                if (refused.Problem.Extensions.TryGetValue("expected-offset", out var offset)) context.Response.Headers[TusHeaders.UploadOffset] = $"{offset}";
                return refused.Problem;
            case AppendResult.BrokenOff { End: PieceEnd.ClientFailed } when !context.RequestAborted.IsCancellationRequested:
                return UploadProblems.BrokenOff;
            case AppendResult.BrokenOff:
                // The client has gone, or is to notice at once that it shall not wait here: it asks with HEAD and goes on.
                context.Abort();
                return TypedResults.Empty;
            default:
                return null;
        }
    }

    private static Problem Mismatch(HttpContext context, ResumableUpload upload, long provided)
    {
        context.Response.Headers[TusHeaders.UploadOffset] = Text(upload.Record.Offset);
        return UploadProblems.OffsetMismatch(upload.Record.Offset, provided);
    }

    private static Problem? ReadNew(HttpRequest request, MasterOptions options, out NewUpload upload)
    {
        upload = null!;
        if (ReadNumber(request, TusHeaders.UploadLength, out var length) is { } badLength) return badLength;
        var defer = request.Headers[TusHeaders.UploadDeferLength];
        if (defer.Count > 0 && defer != "1") return UploadProblems.BadHeader("Upload-Defer-Length has no other value than 1.");
        var concat = request.Headers.TryGetValue(TusHeaders.UploadConcat, out var given) ? given.ToString() : null;
        var final = UploadConcat.IsFinal(concat);
        if (concat is not null && ((!final && concat != UploadConcat.Partial) || concat.Length > UploadConcat.MaxLength))
            return UploadProblems.BadHeader("Upload-Concat is 'partial', or 'final;' with the addresses of the parts.");
        // It is told again by HEAD, and a header that goes out is ASCII.
        if (concat is not null && !concat.All(static c => c is >= ' ' and <= '~')) return UploadProblems.BadHeader("Upload-Concat is ASCII: percent-encode a path, and write a host's name in its ASCII form.");
        if (final ? length is not null || defer.Count > 0 : length is null == (defer.Count == 0))
        {
            return UploadProblems.BadHeader(final
                ? "The length of an upload that is put together is that of its parts: leave Upload-Length out."
                : "Give either Upload-Length, or Upload-Defer-Length: 1 when the length is not known yet.");
        }

        var condition = ChangeCondition.Of(request);
        if (condition is not null && concat == UploadConcat.Partial) return UploadProblems.BadHeader("A part is no movie that a condition could speak of: give it with the request that joins the parts.");
        var metadata = request.Headers[TusHeaders.UploadMetadata];
        TusMetadata? parsed = null;
        if (metadata.Count > 0 && !TusMetadata.TryParse(metadata.ToString(), out parsed, out var why)) return UploadProblems.BadHeader(why);
        if (parsed?.Name is null && concat == UploadConcat.Partial)
        {
            upload = new NewUpload(null, length, parsed is null ? null : metadata.ToString(), concat);
            return null;
        }

        if (parsed?.Name is not { } raw) return FileProblems.BadName("The name is missing: give it as 'filename' in Upload-Metadata, in UTF-8 and Base64.");
        if (!options.Names.TryAccept(raw, out var name, out var problem)) return FileProblems.BadName(problem);
        upload = new NewUpload(name, length, metadata.ToString(), concat, Condition: condition);
        return null;
    }

    private static Problem? ReadNumber(HttpRequest request, string header, out long? number)
    {
        number = null;
        if (!request.Headers.TryGetValue(header, out var value)) return null;
        if (!long.TryParse(value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var parsed)) return UploadProblems.BadHeader($"{header} must be a whole number, not below zero.");
        number = parsed;
        return null;
    }

    /// <summary>What the client says the whole is, where that can be checked at its end.</summary>
    internal static Problem? ReadExpected(HttpRequest request, out Checksum? expected)
    {
        expected = null;
        if (ExpectedContent.Read(request, out var told) is { } malformed) return malformed;
        if (told.WantsSha256) return UploadProblems.DigestNotChecked;
        expected = told.Crc32;
        return null;
    }

    private static Problem? ReadCheck(HttpRequest request, out PieceCheck? check)
    {
        check = null;
        if (request.Headers.TryGetValue(TusHeaders.UploadChecksum, out var header))
        {
            check = PieceCheck.Parse(header.ToString(), out var unknown);
            if (check is not null) return null;
            return unknown is not null ? UploadProblems.UnknownChecksum(unknown, PieceCheck.Algorithms) : UploadProblems.BadHeader("Upload-Checksum is an algorithm and the checksum in Base64, with a space between.");
        }

        var announced = request.Headers.Trailer.ToString().Split(',', StringSplitOptions.TrimEntries).Contains(TusHeaders.UploadChecksum, StringComparer.OrdinalIgnoreCase);
        if (announced && request.SupportsTrailers())
            check = PieceCheck.FromTrailer(() => request.CheckTrailersAvailable() ? request.GetTrailer(TusHeaders.UploadChecksum).ToString() : null);
        return null;
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0;

    private static bool IsOctets(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(TusHeaders.ContentType, StringComparison.OrdinalIgnoreCase);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
