using System.Net;
using System.Text.Json;

namespace Mdfs.Cli.Server;

/// <summary>The cluster said no: the sentence of its problem document, and what that means for an exit code and for trying again.</summary>
internal sealed class Refusal(HttpStatusCode status, string type, string sentence, TimeSpan? retryAfter) : CliException(sentence, Code(status, type))
{
    /// <summary>Longer is no problem document of ours.</summary>
    private const int MostBytes = 64 * 1024;

    public HttpStatusCode Status { get; } = status;

    /// <summary><c>urn:mdfs:problem:…</c>, or empty when something between us and the master answered.</summary>
    public string Type { get; } = type;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>The movie is not as the condition of the request wants it.</summary>
    public bool IsConditionFailed => Type.EndsWith(":precondition-failed", StringComparison.Ordinal);

    /// <summary>It does not say that nothing was done; nor does whoever answers in the master's place.</summary>
    public bool IsUnknown => Type.Length == 0 || Type.EndsWith(":outcome-unknown", StringComparison.Ordinal) || Type.EndsWith(":deletion-not-confirmed", StringComparison.Ordinal);

    public static async Task<Refusal> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (type, sentence) = ("", $"The server answered {(int)response.StatusCode} {response.ReasonPhrase}.");
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json" && response.Content.Headers.ContentLength is null or <= MostBytes)
        {
            try
            {
                using var json = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), default, cancellationToken);
                if (json.RootElement.TryGetProperty("type", out var known)) type = known.GetString() ?? "";
                if (json.RootElement.TryGetProperty("detail", out var detail) && detail.GetString() is { Length: > 0 } said) sentence = InCommands(said);
            }
            catch (JsonException)
            {
                // A proxy's idea of a problem document; the status has to do.
            }
        }

        return new Refusal(response.StatusCode, type, sentence, response.Headers.RetryAfter?.Delta);
    }

    // What is said to clients of the API names its routes.
    private static string InCommands(string said) =>
        said.Replace("GET /api/files lists", "'mdfs ls' lists", StringComparison.Ordinal).Replace("GET /api/trash lists", "'mdfs trash' lists", StringComparison.Ordinal);

    private static int Code(HttpStatusCode status, string type) => (int)status switch
    {
        401 or 403 => ExitCodes.Key,
        429 => type.EndsWith(":too-many-failures", StringComparison.Ordinal) ? ExitCodes.Key : ExitCodes.Unavailable,
        404 => ExitCodes.NotFound,
        422 => ExitCodes.Damaged,
        507 => ExitCodes.NoSpace,
        408 or 423 or 502 or 503 or 504 => ExitCodes.Unavailable,
        _ => ExitCodes.Failed,
    };
}
