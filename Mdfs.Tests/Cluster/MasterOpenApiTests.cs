using System.Text.Json;
using System.Text.RegularExpressions;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Routing;

namespace Mdfs.Tests.Cluster;

/// <summary>The API as it describes itself to machines: complete, with examples, and saying no more than the routes do.</summary>
public sealed partial class MasterOpenApiTests : IAsyncLifetime
{
    private MasterRig _rig = null!;
    private JsonDocument _document = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<(string Path, string Method, JsonElement Operation)> Operations =>
        from path in _document.RootElement.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        where operation.Value.ValueKind == JsonValueKind.Object && operation.Value.TryGetProperty("responses", out _)
        select (path.Name, operation.Name.ToUpperInvariant(), operation.Value);

    public async ValueTask InitializeAsync()
    {
        _rig = await MasterRig.StartAsync();
        _document = JsonDocument.Parse(await _rig.Client.GetStringAsync("/openapi/v1.json", Cancelled));
    }

    public async ValueTask DisposeAsync()
    {
        _document.Dispose();
        await _rig.DisposeAsync();
    }

    [Fact]
    public void It_names_the_product_and_the_places_of_the_key()
    {
        var info = _document.RootElement.GetProperty("info");
        Assert.Equal("MDFS Pro", info.GetProperty("title").GetString());
        Assert.NotEmpty(info.GetProperty("description").GetString()!);
        var schemes = _document.RootElement.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(scheme => scheme.Name).Order();
        Assert.Equal(["bearer", "header", "query"], schemes);
    }

    [Fact]
    public void Every_route_for_people_is_in_it_and_no_route_between_nodes()
    {
        var described = Operations.Select(operation => operation.Path).ToHashSet();
        var routes = _rig.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<AccessMark>()!.Access != AccessClass.Node).Select(route => "/" + route.RoutePattern.RawText!.Trim('/'))
            .Except(["/", "/metrics", "/register", "/openapi/{documentName}.json"]).ToHashSet();
        Assert.Empty(routes.Except(described));
        Assert.DoesNotContain(described, path => path.StartsWith("/internal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_refusal_in_it_stands_on_the_page_for_people()
    {
        var page = await File.ReadAllTextAsync(Repository.File("docs/http-api.md"), Cancelled);
        // Those of what the browser says of itself are told there in a sentence.
        var types = ProblemType().Matches(_document.RootElement.GetRawText()).Select(static type => type.Groups[1].Value).Distinct().Except(["foreign-site", "foreign-host"]).ToList();
        Assert.NotEmpty(types);
        Assert.All(types, type => Assert.Contains($"`{type}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_operation_and_every_parameter_is_described()
    {
        foreach (var (path, method, operation) in Operations)
        {
            Assert.True(operation.TryGetProperty("summary", out _) && operation.TryGetProperty("description", out _), $"{method} {path} is not described");
            if (!operation.TryGetProperty("parameters", out var parameters)) continue;
            foreach (var parameter in parameters.EnumerateArray())
                Assert.True(parameter.TryGetProperty("description", out _), $"{method} {path}: parameter {parameter.GetProperty("name")} is not described");
        }
    }

    [Fact]
    public void Every_json_and_every_text_in_it_has_a_schema_and_an_example()
    {
        var seen = 0;
        foreach (var (path, method, operation) in Operations)
        {
            foreach (var response in operation.GetProperty("responses").EnumerateObject())
            {
                Assert.NotEmpty(response.Value.GetProperty("description").GetString()!);
                if (!response.Value.TryGetProperty("content", out var content)) continue;
                foreach (var media in content.EnumerateObject().Where(media => media.Name != "video/*"))
                {
                    Assert.True(media.Value.TryGetProperty("schema", out _), $"{method} {path} {response.Name} has no schema");
                    Assert.True(media.Value.TryGetProperty("example", out _) || media.Value.TryGetProperty("examples", out _), $"{method} {path} {response.Name} has no example");
                    seen++;
                }
            }
        }

        Assert.True(seen > 50);
    }

    [Fact]
    public void What_needs_the_admin_key_says_so_and_what_it_answers_without()
    {
        var (_, _, put) = Operations.Single(operation => operation is { Path: "/api/files/{name}", Method: "PUT" });
        Assert.Equal(3, put.GetProperty("security").GetArrayLength());
        var refusals = put.GetProperty("responses");
        foreach (var status in (string[])["201", "200", "400", "401", "403", "413", "422", "503", "507"]) Assert.True(refusals.TryGetProperty(status, out _), status);
        var example = refusals.GetProperty("422").GetProperty("content").GetProperty("application/problem+json").GetProperty("examples").EnumerateObject().Single().Value.GetProperty("value");
        Assert.Equal("urn:mdfs:problem:checksum-mismatch", example.GetProperty("type").GetString());

        // Reading needs a key only where one is configured: an empty requirement stands first.
        var (_, _, read) = Operations.Single(operation => operation is { Path: "/download", Method: "GET" });
        Assert.Empty(read.GetProperty("security")[0].EnumerateObject());
    }

    [Fact]
    public void Whoever_reads_bytes_may_ask_for_a_direct_link_and_nobody_else()
    {
        var withDirect = Operations.Where(operation => operation.Operation.TryGetProperty("parameters", out var parameters) && parameters.EnumerateArray().Any(parameter => parameter.GetProperty("name").GetString() == "direct"))
            .Select(operation => operation.Path).Distinct().Order();
        Assert.Equal(["/api/files/{name}/content", "/download", "/index/{name}", "/play"], withDirect);
    }

    [Theory]
    [InlineData("PUT", "/api/files/{name}", "X-Mdfs-Checksum", "Repr-Digest", "If-Match", "If-None-Match")]
    [InlineData("GET", "/api/files/{name}/content", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Want-Repr-Digest")]
    [InlineData("HEAD", "/play", "Range", "If-None-Match", "Want-Repr-Digest")]
    [InlineData("POST", "/api/uploads", "Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat", "Upload-Checksum")]
    [InlineData("PATCH", "/api/uploads/{id}", "Tus-Resumable", "Upload-Offset", "Upload-Checksum", "Upload-Length")]
    [InlineData("DELETE", "/api/uploads/{id}", "Tus-Resumable")]
    public void The_headers_that_a_route_reads_are_among_its_parameters(string method, string path, params string[] headers)
    {
        var (_, _, operation) = Operations.Single(operation => operation.Path == path && operation.Method == method);
        var told = operation.GetProperty("parameters").EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() == "header").Select(parameter => parameter.GetProperty("name").GetString());
        Assert.Empty(headers.Except(told));
    }

    [Fact]
    public void Where_a_signed_link_opens_it_is_said_what_one_that_does_not_is_told()
    {
        foreach (var path in (string[])["/api/files/{name}/content", "/download", "/play", "/index/{name}"])
        {
            var (_, _, read) = Operations.Single(operation => operation.Path == path && operation.Method == "GET");
            var told = read.GetProperty("responses").GetProperty("403").GetProperty("content").EnumerateObject().Single().Value.GetProperty("examples").EnumerateObject().Select(example => example.Name);
            Assert.Equal(["link-expired", "link-wrong"], told.Order());
        }
    }

    [Fact]
    public void The_form_of_the_classic_upload_is_described()
    {
        var (_, _, upload) = Operations.Single(operation => operation.Path == "/upload");
        var fields = upload.GetProperty("requestBody").GetProperty("content").GetProperty("multipart/form-data").GetProperty("schema").GetProperty("properties");
        Assert.Equal(["movie", "secret"], fields.EnumerateObject().Select(field => field.Name).Order());
    }

    [GeneratedRegex("urn:mdfs:problem:([a-z-]+)")]
    private static partial Regex ProblemType();
}
