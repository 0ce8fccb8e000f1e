using System.ComponentModel;
using System.Globalization;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Status;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Mdfs.Master.Files;

/// <summary>The routes of the original, at the same paths and with the same answers, so that existing clients keep working.</summary>
public static class ClassicEndpoints
{
    private const string Name = "The movie's name, percent-encoded as usual.";

    // What else may stand in a form: boundaries, headers, other fields.
    private const int BesideFile = 1 << 20;

    public static void MapClassicFiles(this IEndpointRouteBuilder routes)
    {
        // First in order: where the console lives on the same host, its page of that name would take POST as well.
        routes.MapPost("/upload", UploadAsync).WithOrder(-1).AuthorisedByHandler("the admin key may be a form field in front of the file")
            .WithSummary("Store a movie by a form").WithDescription("multipart/form-data with the field 'secret' and then the file field 'movie', whose filename is the name. The file is stored while it arrives, so the key has to come first, or in a header or the query. X-Mdfs-Checksum or Repr-Digest may say what is expected.")
            .WithTags("Classic").TakesConditions().ReadsHeaders(ExpectedContent.Headers).AddOpenApiOperationTransformer(static (operation, _, _) =>
            {
                operation.RequestBody = FormBody();
                return Task.CompletedTask;
            })
            .Answers(200, "Stored: the number of copies and the CRC-32.", "OK:2 0a1b2c3d\n", "text/plain")
            .Refuses(
                FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.BadUpload("The form has no file field named 'movie'."), FileProblems.SecretTooLate,
                FileProblems.BrokenOff, FileProblems.TooSlow, FileProblems.TooLarge(1L << 40), FileProblems.ChecksumMismatch("CRC-32 0a1b2c3e", new Checksum(0x0a1b2c3d)), FileProblems.WorkersFailed, FileProblems.ReadOnly, FileProblems.NoWorkers, FileProblems.NoSpace);
        routes.MapMethods("/download", ["GET", "HEAD"], (HttpContext context, [Description(Name)] string? name, ReadFile read) => ReadAsync(context, name, read, attachment: true)).RequireReader().WithMetadata(ServesMovieMark.ByQuery)
            .WithSummary("Download a movie").WithDescription("The bytes, to be saved.").WithTags("Classic").AnswersBytes();
        routes.MapMethods("/play", ["GET", "HEAD"], (HttpContext context, [Description(Name)] string? name, ReadFile read) => ReadAsync(context, name, read, attachment: false)).RequireReader().WithMetadata(ServesMovieMark.ByQuery)
            .WithSummary("Play a movie").WithDescription("The bytes, to be shown.").WithTags("Classic").AnswersBytes();
        routes.MapMethods("/delete", ["GET", "DELETE", "POST"], DeleteAsync).AuthorisedByHandler("the admin key may be a form field").ChangesState()
            .WithSummary("Delete a movie").WithDescription("Whatever the method. The key may be the parameter or the form field 'secret'.").WithTags("Classic").TakesConditions()
            .Answers(200, "Deleted; from so many nodes at this moment.", "OK:2", "text/plain").RefusesNames().Refuses(FileProblems.ReadOnly, FileProblems.NoWorkers, FileProblems.NotBuried);
        routes.MapGet("/get-checksum", GetChecksum).RequireReader().WithSummary("The CRC-32 of a movie").WithDescription("Eight lower-case hex digits.").WithTags("Classic")
            .Answers(200, "The checksum.", "0a1b2c3d", "text/plain").RefusesNames();
        routes.MapGet("/verify", VerifyAsync).RequireReader().GetAlone().WithSummary("Re-read every copy of a movie").WithDescription("Takes as long as reading it.").WithTags("Classic")
            .Answers(200, "A verdict for each copy.", ApiExamples.Verdicts).RefusesNames().Refuses(FileProblems.VerifyBusy);
        routes.MapGet("/search", Search).RequireReader().WithSummary("Movies by a part of their name").WithDescription("All at once; GET /api/files gives pages.").WithTags("Classic")
            .Answers(200, "For each name the addresses of the nodes that hold it.", ApiExamples.Found);
        routes.MapMethods("/checksum", ["GET", "POST"], ReportAsync).RequireNode(NodePurpose.Report).ExcludeFromDescription();
        routes.MapPost("/register", (Delegate)RegisterAsync).AuthorisedByHandler("nobody is registered here: the answer is a refusal whoever asks").ExcludeFromDescription();
    }

    private static async Task<IResult> UploadAsync(HttpContext context, StoreFile store, KeyGuard keys, IOptions<MasterOptions> options, IOptions<TransferOptions> transfer, TimeProvider time)
    {
        LiftLimits(context, options.Value.MaxFileSize);
        var (file, rawName, refusal) = await UploadForm.ReadAsync(context, keys, transfer.Value.IdleTimeout, time);
        if (refusal is not null) return refusal;
        if (!options.Value.Names.TryAccept(rawName, out var name, out var problem)) return FileProblems.BadName(problem);
        if (ExpectedContent.Read(context.Request, out var expected) is { } malformed) return malformed;
        // The length of a form is not the length of the file in it, so the size is known only at the end. But what cannot hold all but a little of the form cannot hold the file.
        var request = new StoreRequest(name, null, expected, ChangeCondition.Of(context.Request)) { AtLeast = Math.Max(0, (context.Request.ContentLength ?? 0) - BesideFile) };
        var result = await store.RunAsync(request, file!.Section.Body, context.RequestAborted);
        return result switch
        {
            StoreResult.Stored stored => ClassicText.Ok(string.Create(CultureInfo.InvariantCulture, $"OK:{stored.Copies} {stored.Entry.Checksum}\n")),
            StoreResult.Refused refused => refused.Problem,
            _ => FileProblems.BrokenOff,
        };
    }

    private static async Task<IResult> ReadAsync(HttpContext context, string? name, ReadFile read, bool attachment) =>
        FileName.TryParse(name, out var parsed, out var problem) ? await read.RunAsync(context, parsed, attachment) : FileProblems.BadName(problem);

    private static async Task<IResult> DeleteAsync(HttpContext context, [Description(Name)] string? name, DeleteFile delete, KeyGuard keys)
    {
        string? field = null;
        if (context.Request.HasFormContentType && context.Request.ContentLength is < 16 << 10)
        {
            if (await ReadFormAsync(context) is not { } form) return FileProblems.BadParameter("The form cannot be read.");
            field = form[KeyGuard.Field];
            name ??= form["name"];
        }

        if (keys.RefuseAdmin(context, field) is { } refusal) return refusal;
        if (!FileName.TryParse(name, out var parsed, out var problem)) return FileProblems.BadName(problem);
        return await delete.RunAsync(parsed, ChangeCondition.Of(context.Request)) switch
        {
            DeleteResult.Deleted deleted => ClassicText.Ok(string.Create(CultureInfo.InvariantCulture, $"OK:{deleted.Nodes}")),
            DeleteResult.Refused refused => refused.Problem,
            _ => throw new InvalidOperationException("A result nobody has thought of."),
        };
    }

    private static OpenApiRequestBody FormBody()
    {
        var form = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { UploadForm.FileField },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                [KeyGuard.Field] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The admin key." },
                [UploadForm.FileField] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "The movie; its filename is the name." },
            },
        };
        return new OpenApiRequestBody { Required = true, Content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new() { Schema = form } } };
    }

    private static async Task<IFormCollection?> ReadFormAsync(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException and not BadHttpRequestException)
        {
            return null;
        }
    }

    private static IResult GetChecksum([Description(Name)] string? name, FileCatalog catalog, CatalogSession session)
    {
        if (!FileName.TryParse(name, out var parsed, out var problem)) return FileProblems.BadName(problem);
        return catalog.Find(parsed) is { } entry ? ClassicText.Ok(entry.Checksum.ToString()) : FileProblems.Missing(parsed, session);
    }

    private static async Task<IResult> VerifyAsync(HttpContext context, [Description(Name)] string? name, FileCatalog catalog, CatalogSession session, VerifyFile verify)
    {
        if (!FileName.TryParse(name, out var parsed, out var problem)) return FileProblems.BadName(problem);
        if (catalog.Find(parsed) is not { } entry) return FileProblems.Missing(parsed, session);
        return await verify.RunAsync(entry, context.RequestAborted) is { } verdicts ? TypedResults.Ok(verdicts) : FileProblems.VerifyBusy;
    }

    private static IResult Search([Description("A part of the name, whatever its case; empty for all.")] string? query, FileCatalog catalog, NodeRegistry registry)
    {
        var view = registry.View;
        var part = FileQuery.Part(query);
        var found = new SortedDictionary<string, Dictionary<string, bool>>(StringComparer.Ordinal);
        foreach (var entry in catalog.Entries)
        {
            if (part.Length > 0 && !entry.Name.Value.Contains(part, StringComparison.OrdinalIgnoreCase)) continue;
            var nodes = new Dictionary<string, bool>();
            foreach (var holder in registry.Replicas.CopiesOf(entry.Replica))
            {
                if (view.Find(holder.Node) is { Alive: true } node) nodes[node.Address] = true;
            }

            found[entry.Name.Value] = nodes;
        }

        return TypedResults.Ok(found);
    }

    /// <summary>The classic report of a worker: compared with the catalog, never written to it. A replica that differs is re-read.</summary>
    private static async Task<IResult> ReportAsync(HttpContext context, string? name, string? checksum, FileCatalog catalog, NodeRegistry registry, WorkerClient workers)
    {
        if (!FileName.TryParse(name, out var parsed, out var problem)) return FileProblems.BadName(problem);
        if (!Checksum.TryParse(checksum, out var told)) return FileProblems.BadParameter("checksum must be 8 hex digits.");
        if (catalog.Find(parsed) is not { } entry) return FileProblems.NotFound(parsed);
        if (entry.Checksum == told) return ClassicText.Ok("OK");
        if (NodeId.TryParse(context.NodeToken().Sender, out var sender) && registry.Doubt(sender, entry.Version) is { } node)
            await workers.BeatNowAsync(node, context.RequestAborted);
        return FileProblems.ChecksumDiffers(entry.Checksum);
    }

    /// <summary>The original's workers sent the names they hold. Ours beat with a record of their own, and only with a token.</summary>
    private static async Task<IResult> RegisterAsync(HttpContext context)
    {
        var first = new byte[64];
        var length = await context.Request.Body.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, context.RequestAborted);
        return first.AsSpan(0, length).TrimStart(" \t\r\n"u8).StartsWith("["u8)
            ? FileProblems.BadParameter("Workers of this version beat at /internal/beats with a record of their own; a list of names says too little to be believed.")
            : CommonProblems.ForStatus(StatusCodes.Status401Unauthorized);
    }

    /// <summary>A movie may take hours and a terabyte; silence is watched by the transfer itself, which gives the body up then.</summary>
    internal static void LiftLimits(HttpContext context, long maxFileSize)
    {
        context.Request.Body = new AbandonableBody(context.Request.BodyReader);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = maxFileSize > long.MaxValue - (1 << 20) ? null : maxFileSize + (1 << 20);
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
    }
}
