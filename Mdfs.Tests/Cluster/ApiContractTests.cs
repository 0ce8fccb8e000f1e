using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mdfs.Tests.Support;
using CliRecords = Mdfs.Cli.Server;
using WebRecords = Mdfs.Web.Api;

namespace Mdfs.Tests.Cluster;

/// <summary>
/// Command line and console have records of their own for what the master says, since they meet it over HTTP only. Here every member of theirs is looked up in the
/// document by which the master describes itself: one that was renamed, or has become another kind of value, would be read as nothing without a word.
/// </summary>
public sealed class ApiContractTests
{
    private static readonly (string Method, string Path, Type Record)[] _read =
    [
        ("get", "/api/files", typeof(CliRecords.MoviePage)), ("get", "/api/files", typeof(WebRecords.MoviePage)),
        ("get", "/api/files/{name}", typeof(CliRecords.Movie)), ("get", "/api/files/{name}", typeof(WebRecords.Movie)),
        ("put", "/api/files/{name}", typeof(CliRecords.Stored)),
        ("delete", "/api/files/{name}", typeof(CliRecords.Deleted)), ("delete", "/api/files/{name}", typeof(WebRecords.Deletion)),
        ("post", "/api/files/{name}/verify", typeof(CliRecords.Verdict)), ("post", "/api/files/{name}/verify", typeof(WebRecords.Verdict)),
        ("get", "/api/files/{name}/verify", typeof(WebRecords.VerifyProgress)),
        ("get", "/api/files/{name}/links", typeof(CliRecords.Links)), ("get", "/api/files/{name}/links", typeof(WebRecords.Links)),
        ("get", "/api/cluster", typeof(CliRecords.Cluster)), ("get", "/api/cluster", typeof(WebRecords.Cluster)),
        ("get", "/api/cluster/history", typeof(WebRecords.History)),
        ("get", "/api/nodes", typeof(CliRecords.Node)), ("get", "/api/nodes", typeof(WebRecords.Node)), ("get", "/api/nodes/refused", typeof(WebRecords.RefusedNode)),
        ("get", "/api/nodes/{id}/drain", typeof(CliRecords.Drain)), ("get", "/api/nodes/{id}/drain", typeof(WebRecords.Drain)),
        ("get", "/api/scrub", typeof(CliRecords.Scrub)), ("get", "/api/scrub", typeof(WebRecords.ScrubNode)),
        ("get", "/api/trash", typeof(CliRecords.Trashed)), ("get", "/api/trash", typeof(WebRecords.Trashed)),
        ("get", "/api/quarantine", typeof(CliRecords.Quarantined)), ("get", "/api/quarantine", typeof(WebRecords.Quarantined)),
        ("get", "/api/rebalance", typeof(CliRecords.Rebalance)), ("get", "/api/rebalance", typeof(WebRecords.RebalanceFacts)),
        ("post", "/api/files/{name}/undelete", typeof(WebRecords.Restored)), ("post", "/api/quarantine/{node}/{id}/adopt", typeof(WebRecords.Restored)), ("post", "/api/nodes/{id}/maintenance", typeof(WebRecords.MaintenanceBegun)),
        ("get", "/api/tombstones", typeof(WebRecords.Tombstone)),
        ("get", "/api/activity", typeof(WebRecords.ActivityPage)),
        ("get", "/api/settings", typeof(WebRecords.SettingsInForce)),
    ];

    [Fact]
    public async Task What_command_line_and_console_read_is_what_the_master_says_it_sends()
    {
        await using var rig = await MasterRig.StartAsync();
        using var document = JsonDocument.Parse(await rig.Client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken));
        var differences = new List<string>();
        foreach (var (method, path, record) in _read)
        {
            var responses = document.RootElement.GetProperty("paths").GetProperty(path).GetProperty(method).GetProperty("responses");
            var answer = responses.EnumerateObject().First(static response => response.Name.StartsWith('2')).Value;
            Compare(document.RootElement, answer.GetProperty("content").GetProperty("application/json").GetProperty("schema"), record, $"{method} {path}: {record.FullName}", differences);
        }

        Assert.Empty(differences);
    }

    private static void Compare(JsonElement document, JsonElement schema, Type type, string where, List<string> differences)
    {
        schema = Resolve(document, schema);
        if (Kinds(schema).Contains("array"))
        {
            var item = type.IsAssignableTo(typeof(IEnumerable)) && type.IsGenericType ? type.GetGenericArguments()[0] : type;
            Compare(document, schema.GetProperty("items"), item, where, differences);
            return;
        }

        type = Nullable.GetUnderlyingType(type) ?? type;
        var wanted = KindOf(type);
        if (!Kinds(schema).Contains(wanted) && !(wanted == "number" && Kinds(schema).Contains("integer")))
        {
            differences.Add($"{where} is read as {wanted} and sent as {string.Join(" or ", Kinds(schema))}");
            return;
        }

        if (wanted != "object") return;
        foreach (var property in type.GetProperties().Where(static property => property.GetMethod!.GetParameters().Length == 0 && property.CanWrite))
        {
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out var member)) Compare(document, member, property.PropertyType, $"{where}.{name}", differences);
            else differences.Add($"{where}.{name} is not sent");
        }
    }

    private static JsonElement Resolve(JsonElement document, JsonElement schema)
    {
        if (schema.TryGetProperty("oneOf", out var choices)) schema = choices.EnumerateArray().First(static choice => choice.TryGetProperty("$ref", out _));
        return schema.TryGetProperty("$ref", out var reference) ? document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]) : schema;
    }

    private static List<string> Kinds(JsonElement schema) => !schema.TryGetProperty("type", out var kind) ? ["object"]
        : kind.ValueKind == JsonValueKind.Array ? [.. kind.EnumerateArray().Select(static one => one.GetString()!).Where(static one => one != "null")] : [kind.GetString()!];

    private static string KindOf(Type type) =>
        type == typeof(string) || type == typeof(DateTimeOffset) || type.IsEnum ? "string"
        : type == typeof(bool) ? "boolean"
        : type == typeof(int) || type == typeof(long) ? "integer"
        : type == typeof(double) ? "number"
        : type.IsAssignableTo(typeof(IEnumerable)) ? "array"
        : "object";
}
