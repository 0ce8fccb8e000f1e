using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>How internal routes read what they were told and answer: source-generated JSON, refusals with the status of their code.</summary>
internal static class Answers
{
    public static IResult Unreadable => Refuse(WorkerProblems.Bad("The body is not what this route takes."));

    public static IResult Of<T>(Outcome<T> outcome, JsonTypeInfo<T> type)
        where T : class =>
        outcome.IsRefused(out var refusal, out var value) ? Refuse(refusal) : TypedResults.Json(value, type);

    public static IResult Refuse(NodeRefusal refusal) => TypedResults.Json(refusal, WireJson.Default.NodeRefusal, statusCode: WorkerProblems.StatusOf(refusal));

    /// <summary>The body that the token was checked against; null when it is not what it should be.</summary>
    public static T? Body<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(context.NodeBody().Span, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
