using System.Text.Json;
using System.Text.Json.Nodes;
using Mdfs.Master.Files;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Mdfs.Master.Status;

/// <summary>An answer that a route gives when all goes well, for whoever reads <c>/openapi/v1.json</c>.</summary>
/// <param name="Type">What the body is; null for bytes and for none.</param>
/// <param name="MediaType">Null for an answer without a body.</param>
/// <param name="Example">A value of the type, or null.</param>
public sealed record ApiAnswer(int Status, string Description, Type? Type, string? MediaType, object? Example);

/// <summary>Refusals of a route, each with the sentence that it really says.</summary>
public sealed record ApiRefusals(IReadOnlyList<Problem> Problems);

/// <summary>
/// The description of the API for machines: who may use a route is read from its <see cref="AccessMark"/>, what it answers from <see cref="ApiAnswer"/>
/// and <see cref="ApiRefusals"/>, so that it cannot say what the code does not.
/// </summary>
public static class OpenApiDocument
{
    private const string Bearer = "bearer";
    private const string Header = "header";
    private const string Query = "query";

    public static IServiceCollection AddMdfsOpenApi(this IServiceCollection services) => services.AddOpenApi(static options =>
    {
        options.AddDocumentTransformer(static (document, _, _) =>
        {
            Introduce(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
    });

    public static TBuilder Answers<TBuilder>(this TBuilder route, int status, string description, string? mediaType = null)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new ApiAnswer(status, description, null, mediaType, null));

    /// <summary>An answer with a JSON body, or with text.</summary>
    public static TBuilder Answers<TBuilder, TBody>(this TBuilder route, int status, string description, TBody example, string mediaType = "application/json")
        where TBuilder : IEndpointConventionBuilder
        where TBody : notnull => route.WithMetadata(new ApiAnswer(status, description, typeof(TBody), mediaType, example));

    public static TBuilder Refuses<TBuilder>(this TBuilder route, params IReadOnlyList<Problem> problems)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new ApiRefusals(problems));

    /// <summary>Request headers that its handler reads by itself, so that nobody else can know of them.</summary>
    public static TBuilder ReadsHeaders<TBuilder>(this TBuilder route, params IReadOnlyList<(string Name, string Description)> headers)
        where TBuilder : IEndpointConventionBuilder =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters ??= [];
            foreach (var (name, description) in headers)
                operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Header, Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
            return Task.CompletedTask;
        });

    private static void Introduce(Microsoft.OpenApi.OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "MDFS Pro",
            Version = "v1",
            Description =
                "Movies on a few ordinary machines: stored whole and more than once, streamed to players, healed by themselves. "
                + "Below /api every refusal is a problem (RFC 9457) with a stable type, a sentence that says what to do, and a trace id; the classic routes answer plain text.",
        };
        // The address under which the document was fetched says more than any that stands in it.
        document.Servers?.Clear();
        document.Tags = new HashSet<OpenApiTag>
        {
            new() { Name = "Movies", Description = "Listing, reading, storing and deleting movies." },
            new() { Name = "Cluster", Description = "Workers, deletions that are still remembered, and the cluster at a glance." },
            new() { Name = "Classic", Description = "The routes of the original, at the same paths and with the same answers." },
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The admin key; for reading the reader key as well." },
            [Header] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = KeyGuard.Header, Description = "The same key, for scripts that cannot set Authorization." },
            [Query] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Query, Name = KeyGuard.Field, Description = "The same key, as the original's clients send it." },
        };
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var json = context.ApplicationServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        var answers = metadata.OfType<ApiAnswer>().ToList();
        operation.Responses ??= [];
        if (answers.Count > 0) operation.Responses.Clear();
        foreach (var answer in answers)
        {
            var response = new OpenApiResponse { Description = answer.Description };
            if (answer.MediaType is not null)
            {
                var schema = answer.Type is null
                    ? new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" }
                    : await context.GetOrCreateSchemaAsync(answer.Type, null, cancellationToken);
                response.Content = new Dictionary<string, OpenApiMediaType>
                {
                    [answer.MediaType] = new OpenApiMediaType { Schema = schema, Example = answer.Example is null ? null : JsonSerializer.SerializeToNode(answer.Example, answer.Type!, json) },
                };
            }

            operation.Responses[$"{answer.Status}"] = response;
        }

        var problems = metadata.OfType<ApiRefusals>().SelectMany(refusals => refusals.Problems).ToList();
        if (metadata.OfType<AccessMark>().LastOrDefault() is { } mark) problems.AddRange(Guard(operation, mark));
        if (metadata.OfType<ServesMovieMark>().Any()) problems.AddRange([SecurityProblems.LinkWrong, SecurityProblems.LinkExpired]);
        if (answers.Count == 0) GiveExamples(operation);
        var speaksJson = Problem.SpeaksJson("/" + context.Description.RelativePath);
        foreach (var group in problems.GroupBy(problem => problem.Status).OrderBy(group => group.Key)) operation.Responses[$"{group.Key}"] = Refusal([.. group], speaksJson);
    }

    /// <summary>Of what every service answers to whoever looks after it, which knows nothing of this document.</summary>
    private static void GiveExamples(OpenApiOperation operation)
    {
        foreach (var (status, response) in operation.Responses!)
        {
            if (response.Content is { } content && content.TryGetValue("text/plain", out var text) && text is OpenApiMediaType { Example: null } bare)
                bare.Example = JsonValue.Create(status == "200" ? "OK\nThere is no connection to Redis." : "There is no connection to Redis.");
        }
    }

    /// <summary>What the access mark asks for, and what it answers to those who do not have it.</summary>
    private static IEnumerable<Problem> Guard(OpenApiOperation operation, AccessMark mark)
    {
        if (mark.Access is AccessClass.Open or AccessClass.Node) return [];
        operation.Security = [.. new[] { Bearer, Header, Query }.Select(scheme => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme)] = [] })];
        // An empty requirement: reading needs no key unless one is configured.
        if (mark.Access == AccessClass.Reader) operation.Security.Insert(0, []);
        return mark.Access == AccessClass.Reader
            ? [SecurityProblems.ReaderKeyMissing, SecurityProblems.TooManyFailures(TimeSpan.FromSeconds(30))]
            : [SecurityProblems.AdminKeyMissing, SecurityProblems.ForeignSite, SecurityProblems.TooManyFailures(TimeSpan.FromSeconds(30))];
    }

    private static OpenApiResponse Refusal(IReadOnlyList<Problem> problems, bool speaksJson)
    {
        var examples = new Dictionary<string, IOpenApiExample>();
        foreach (var problem in problems)
        {
            examples[problem.Slug] = new OpenApiExample { Summary = problem.Title, Value = speaksJson ? Json(problem) : JsonValue.Create(problem.Classic ?? problem.Detail) };
        }

        return new OpenApiResponse
        {
            Description = string.Join("; or: ", problems.Select(problem => problem.Title).Distinct()) + ".",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [speaksJson ? Problem.MediaType : "text/plain"] = new() { Schema = speaksJson ? ProblemSchema() : new OpenApiSchema { Type = JsonSchemaType.String }, Examples = examples },
            },
        };
    }

    private static JsonObject Json(Problem problem) => new()
    {
        ["type"] = problem.Type,
        ["title"] = problem.Title,
        ["status"] = problem.Status,
        ["detail"] = problem.Detail,
        ["traceId"] = "4bf92f3577b34da6a3ce929d0e0e4736",
    };

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Stable: urn:mdfs:problem:…" },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What kind of problem it is." },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Description = "The HTTP status." },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What to do." },
            ["traceId"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Finds the request in logs and traces." },
        },
    };
}
