using System.ComponentModel;
using System.Text.Json.Nodes;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Status;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Mdfs.Master.Files;

/// <summary>Movies over <c>/api</c>: JSON, problem+json, and the bytes themselves.</summary>
public static class FileEndpoints
{
    private const string Direct =
        "1: answered with a redirect (307) to a worker that holds the movie and that clients can reach; where there is none, with the bytes. 0: never, also where that is the rule. Left out: as Mdfs:Master:DirectLinks says.";

    private static readonly (string Header, string Description)[] _conditions =
    [
        (HeaderNames.IfMatch, "Only if the movie has one of these ETags; *: only if there is one."),
        (HeaderNames.IfNoneMatch, "Only if it has none of these ETags; *: only if there is none of that name."),
        (HeaderNames.IfUnmodifiedSince, "Only if it was stored by then. Not looked at beside If-Match."),
    ];

    private static readonly (string Header, string Description)[] _reading =
    [
        (HeaderNames.Range, "bytes=from-to, bytes=from-, bytes=-last; several with commas between (RFC 9110, 14.2). Other units are not looked at."),
        (HeaderNames.IfRange, "The range only if the movie still has this ETag, or this date of Last-Modified; else all of it."),
        (HeaderNames.IfMatch, "Only if the movie has one of these ETags."),
        (HeaderNames.IfNoneMatch, "Only if it has none of these ETags; else 304."),
        (HeaderNames.IfModifiedSince, "Only if it was stored later; else 304. Not looked at beside If-None-Match."),
        (HeaderNames.IfUnmodifiedSince, "Only if it was stored by then. Not looked at beside If-Match."),
        ("Want-Repr-Digest", "sha-256=1 to 10: the SHA-256 of the whole movie in Repr-Digest, where it is known (RFC 9530)."),
    ];

    internal const string Name = "The movie's name, percent-encoded as usual: 1 to 255 bytes of UTF-8 with a video's extension.";

    public static void MapFiles(this IEndpointRouteBuilder routes)
    {
        var files = routes.MapGroup("/api/files").WithTags("Movies");
        files.MapGet("", List).RequireReader()
            .WithSummary("List movies").WithDescription("A page of the catalog, sorted, filtered by a case-insensitive part of the name. Pages are chained by 'next', or reached by 'offset'.")
            .Answers(200, "A page, in the order asked for.", ApiExamples.Page)
            .Refuses(FileProblems.BadParameter("limit must be a whole number from 1 to 1000."));
        files.MapMethods("/{name}", ["GET", "HEAD"], Facts).RequireReader()
            .WithSummary("Facts of a movie").WithDescription("Size, checksum, version and who holds it. Answered from memory.")
            .Answers(200, "What the catalog and the workers say of it.", ApiExamples.File).RefusesNames();
        files.MapMethods("/{name}/content", ["GET", "HEAD"], ContentAsync).RequireReader()
            .WithMetadata(new ServesMovieMark(static context => RouteName.Of(context, $"{context.GetRouteValue("name")}")))
            .WithSummary("The bytes of a movie").WithDescription("Ranges and conditions by RFC 9110; a copy that fails in mid-stream is followed by another at the exact byte.")
            .AnswersBytes();
        files.MapPut("/{name}", PutAsync).RequireAdmin().TakesBytes()
            .WithSummary("Store a movie").WithDescription("The raw body is the movie (curl -T). Answered when every counted copy is written, checked and fsynced. X-Mdfs-Checksum or Repr-Digest may say what is expected, If-Match or If-None-Match (*: only if there is none) which version is to be replaced.").TakesConditions().ReadsHeaders(ExpectedContent.Headers)
            .Answers(201, "A new name: stored, with so many copies.", ApiExamples.Stored)
            .Answers(200, "A new version of a name that there was: stored, with so many copies.", ApiExamples.Stored)
            .Refuses(
                FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.WrongLength(734_003_200, 1_048_576), FileProblems.BrokenOff, FileProblems.TooSlow,
                FileProblems.Coded, FileProblems.TooLarge(1L << 40), FileProblems.ChecksumMismatch("CRC-32 0a1b2c3e", new Checksum(0x0a1b2c3d)), FileProblems.WorkersFailed,
                FileProblems.Rebuilding, FileProblems.ReadOnly, FileProblems.OutcomeUnknown, FileProblems.NoWorkers, FileProblems.TooFewReplicas(1, 2), FileProblems.NotSealed, FileProblems.NoSpace);
        files.MapDelete("/{name}", DeleteAsync).RequireAdmin()
            .WithSummary("Delete a movie").WithDescription("Answered when the deletion is durable; it holds for every copy, wherever it turns up. If-Match says which version is meant.").TakesConditions()
            .Answers(200, "Deleted; from so many nodes at this moment.", ApiExamples.Deleted).RefusesNames()
            .Refuses(FileProblems.ReadOnly, FileProblems.OutcomeUnknown, FileProblems.NoWorkers, FileProblems.NotBuried);
        files.MapPost("/{name}/verify", VerifyAsync).RequireReader()
            .WithSummary("Verify a movie").WithDescription("Re-reads every copy on its node and compares it with the catalog. Takes as long as reading it.")
            .Answers(200, "A verdict for each copy.", ApiExamples.Verdicts).RefusesNames().Refuses(FileProblems.VerifyBusy);
        files.MapGet("/{name}/verify", VerifyProgressAsync).RequireReader()
            .WithSummary("How far a verification is").WithDescription("While the POST of the same address runs, whoever sent it: bytes re-read so far, on each node. Otherwise running is false.")
            .Answers(200, "Progress, or that none is running.", ApiExamples.VerifyProgress).RefusesNames();
    }

    /// <summary>What every route with a name in it may say.</summary>
    internal static TBuilder RefusesNames<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.Refuses(FileProblems.BadName("The name must not contain '/' or '\\'."), FileProblems.NotFound(ApiExamples.Name), FileProblems.Rebuilding);

    // Said to whoever reads the description only. To the routing it would be a condition: a body of any other type, as browsers and curl --data-binary send it, would be answered 415, without a
    // look at the key.
    private static TBuilder TakesBytes<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.AddOpenApiOperationTransformer(static (operation, _, _) =>
        {
            var bytes = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = new Dictionary<string, OpenApiMediaType> { ["application/octet-stream"] = bytes } };
            return Task.CompletedTask;
        });

    /// <summary>What is done only under a condition, as <see cref="ChangeCondition"/> says.</summary>
    internal static TBuilder TakesConditions<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.ReadsHeaders(_conditions).Refuses(FileProblems.PreconditionFailed(new MovieVersion(ApiExamples.File.Version)));

    internal static TBuilder AnswersBytes<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.AddOpenApiOperationTransformer(static (operation, _, _) =>
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter { Name = MovieLinks.DirectParameter, In = ParameterLocation.Query, Description = Direct, Schema = DirectSchema() });
            return Task.CompletedTask;
        }).ReadsHeaders(_reading).Answers(200, "All bytes. The type follows from the extension.", "video/*").Answers(206, "The range asked for, or several as multipart/byteranges.", "video/*")
            .Answers(307, "With direct=1: a signed link on a worker, where clients can reach one.").Answers(304, "The version that the client has is the present one.").RefusesNames()
            .Refuses(
                ContentProblems.PreconditionFailed(new MovieVersion(ApiExamples.File.Version)), ContentProblems.RangeNotSatisfiable(ApiExamples.File.Size),
                FileProblems.AllReplicasFailed(ApiExamples.Name), FileProblems.NoLiveReplica(ApiExamples.Name));

    private static OpenApiSchema DirectSchema() => new() { Type = JsonSchemaType.String, Enum = [JsonValue.Create("0"), JsonValue.Create("1")] };

    private static IResult List(
        HttpContext context,
        [Description("Part of the name, case-insensitive.")] string? query,
        [Description("name, size, date or copies; with '-' in front descending.")] string? sort,
        [Description("1 to 1000, default 100.")] string? limit,
        [Description("The 'next' of the page before.")] string? cursor,
        [Description("Movies to leave out at the beginning; not together with cursor.")] string? offset,
        [Description("under-replicated: only movies with fewer copies than they should have.")] string? filter,
        FileListing listing, FileDescriber describe)
    {
        if (!FileQuery.TryParse(query, sort, limit, cursor, offset, filter, out var wanted, out var problem)) return FileProblems.BadParameter(problem);
        var (page, next, total) = listing.Run(wanted);
        if (next is not null)
        {
            // RFC 8288, for clients that follow links instead of building addresses.
            KeyValuePair<string, string?>[] asked = [new("query", query), new("sort", sort), new("limit", limit), new("filter", filter), new("cursor", next.ToString())];
            var following = QueryString.Create(asked.Where(parameter => parameter.Value is not null));
            context.Response.Headers.Append("Link", $"</api/files{following}>; rel=\"next\"");
        }

        return TypedResults.Ok(new FilePage([.. page.Select(describe.Describe)], total, next?.ToString()));
    }

    private static IResult Facts(HttpContext context, [Description(Name)] string name, FileCatalog catalog, CatalogSession session, FileDescriber describe)
    {
        if (!TryName(context, name, out var parsed, out var problem)) return problem;
        if (catalog.Find(parsed) is not { } entry) return FileProblems.Missing(parsed, session);
        context.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Ok(describe.Describe(entry));
    }

    private static async Task<IResult> ContentAsync(HttpContext context, [Description(Name)] string name, ReadFile read) =>
        TryName(context, name, out var parsed, out var problem) ? await read.RunAsync(context, parsed, attachment: false) : problem;

    private static async Task<IResult> PutAsync(HttpContext context, [Description(Name)] string name, StoreFile store, IOptions<MasterOptions> options)
    {
        ClassicEndpoints.LiftLimits(context, options.Value.MaxFileSize);
        if (!TryName(context, name, out var parsed, out var problem)) return problem;
        if (!options.Value.Names.TryAccept(parsed.Value, out _, out var why)) return FileProblems.BadName(why);
        if (context.Request.Headers.ContainsKey(HeaderNames.ContentRange))
            return FileProblems.BadParameter("A PUT with Content-Range would store a part as the whole (RFC 9110, 14.5). Send the whole movie.");
        // What arrives is stored as it is, and a coding of the movie is not the movie (RFC 9110, 8.4).
        if (context.Request.Headers.ContentEncoding.ToString() is { Length: > 0 } coding && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            // That it was the coding and not the type (RFC 9110, 15.5.16).
            context.Response.Headers.AcceptEncoding = "identity";
            return FileProblems.Coded;
        }

        if (ExpectedContent.Read(context.Request, out var expected) is { } malformed) return malformed;

        return await store.RunAsync(new StoreRequest(parsed, context.Request.ContentLength, expected, ChangeCondition.Of(context.Request)), context.Request.Body, context.RequestAborted) switch
        {
            StoreResult.Stored stored => Answer(context, stored, options.Value.ReplicationFactor),
            StoreResult.Refused refused => refused.Problem,
            _ => FileProblems.BrokenOff,
        };
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, [Description(Name)] string name, DeleteFile delete)
    {
        if (!TryName(context, name, out var parsed, out var problem)) return problem;
        return await delete.RunAsync(parsed, ChangeCondition.Of(context.Request)) switch
        {
            DeleteResult.Deleted deleted => TypedResults.Ok(new DeletedFacts(parsed.Value, deleted.Tombstone.Bound.Number, deleted.Nodes)),
            DeleteResult.Refused refused => refused.Problem,
            _ => throw new InvalidOperationException("A result nobody has thought of."),
        };
    }

    private static async Task<IResult> VerifyAsync(HttpContext context, [Description(Name)] string name, FileCatalog catalog, CatalogSession session, VerifyFile verify)
    {
        if (!TryName(context, name, out var parsed, out var problem)) return problem;
        if (catalog.Find(parsed) is not { } entry) return FileProblems.Missing(parsed, session);
        return await verify.RunAsync(entry, context.RequestAborted) is { } verdicts ? TypedResults.Ok(verdicts) : FileProblems.VerifyBusy;
    }

    private static async Task<IResult> VerifyProgressAsync(HttpContext context, [Description(Name)] string name, FileCatalog catalog, CatalogSession session, VerifyFile verify)
    {
        if (!TryName(context, name, out var parsed, out var problem)) return problem;
        if (catalog.Find(parsed) is not { } entry) return FileProblems.Missing(parsed, session);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(await verify.ProgressAsync(entry.Version, context.RequestAborted));
    }

    private static IResult Answer(HttpContext context, StoreResult.Stored stored, int wanted)
    {
        var entry = stored.Entry;
        context.Response.Headers.ETag = entry.Version.ETag;
        var facts = StoredFacts.Of(entry, stored.Copies, wanted);
        return stored.Created ? TypedResults.Created($"/api/files/{Uri.EscapeDataString(entry.Name.Value)}", facts) : TypedResults.Ok(facts);
    }

    private static bool TryName(HttpContext context, string routed, out FileName name, out Problem problem)
    {
        problem = null!;
        if (FileName.TryParse(RouteName.Of(context, routed), out name, out var why)) return true;
        problem = FileProblems.BadName(why);
        return false;
    }
}
