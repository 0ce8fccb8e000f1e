using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Problems;

/// <summary>
/// Writes RFC 9457. By hand, since the framework's writer sends nothing at all to a player that asks for <c>Accept: video/mp4</c>.
/// </summary>
internal static class ProblemJson
{
    public static async Task WriteAsync(HttpContext context, Problem problem, string traceId)
    {
        var body = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", problem.Type);
            json.WriteString("title", problem.Title);
            json.WriteNumber("status", problem.Status);
            json.WriteString("detail", problem.Detail);
            json.WriteString("traceId", traceId);
            foreach (var (member, value) in problem.Extensions) WriteMember(json, member, value);
            json.WriteEndObject();
        }

        context.Response.StatusCode = problem.Status;
        context.Response.ContentType = Problem.MediaType;
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    private static void WriteMember(Utf8JsonWriter json, string member, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(member); break;
            case bool truth: json.WriteBoolean(member, truth); break;
            case int number: json.WriteNumber(member, number); break;
            case long number: json.WriteNumber(member, number); break;
            case double number: json.WriteNumber(member, number); break;
            default: json.WriteString(member, value.ToString()); break;
        }
    }
}
