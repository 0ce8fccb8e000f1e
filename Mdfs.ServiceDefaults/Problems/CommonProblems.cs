using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Mdfs.ServiceDefaults.Problems;

/// <summary>Refusals that belong to HTTP itself rather than to an area.</summary>
public static class CommonProblems
{
    public static Problem Internal { get; } = new(
        StatusCodes.Status500InternalServerError, "internal", "Internal error",
        "Something went wrong here, not with your request. Try again; if it stays, give the trace id to whoever runs this cluster.");

    public static Problem NoSuchRoute { get; } = new(
        StatusCodes.Status404NotFound, "no-such-route", "No such address", "There is nothing at this address. The API is described at /openapi/v1.json.");

    /// <summary>From what Kestrel or a binder found wrong with a request. Its own message is not passed on: it may quote the request line.</summary>
    public static Problem BadRequest(BadHttpRequestException failure) => ForStatus(failure.StatusCode);

    /// <summary>The sentence for a status that somebody set without a body.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        StatusCodes.Status400BadRequest => new(status, "bad-request", "Bad request", "The request could not be read: check its parameters, headers and body."),
        StatusCodes.Status401Unauthorized => new(status, "unauthorized", "Unauthorized", "Send a key in the header 'Authorization: Bearer …'.") { Classic = "Unauthorized" },
        StatusCodes.Status404NotFound => NoSuchRoute,
        StatusCodes.Status405MethodNotAllowed => new(status, "method-not-allowed", "Method not allowed", "This address does not take that method; the header 'Allow' says which it takes."),
        StatusCodes.Status408RequestTimeout => new(status, "request-timeout", "Request timed out", "The request came too slowly or stopped coming. Send it again."),
        StatusCodes.Status411LengthRequired => new(status, "length-required", "Length required", "Send the length of the body in the header 'Content-Length'."),
        StatusCodes.Status413PayloadTooLarge => new(status, "too-large", "Body too large", "The body is longer than this address accepts. Movies go to PUT /api/files/{name}."),
        StatusCodes.Status415UnsupportedMediaType => new(status, "unsupported-media-type", "Unsupported media type", "This address does not take a body of that 'Content-Type'."),
        StatusCodes.Status431RequestHeaderFieldsTooLarge => new(status, "headers-too-large", "Headers too large", "Send fewer or shorter headers."),
        StatusCodes.Status500InternalServerError => Internal,
        StatusCodes.Status503ServiceUnavailable => new(status, "unavailable", "Unavailable", "The service cannot answer this at present. Try again in a moment."),
        _ => Unnamed(status),
    };

    private static Problem Unnamed(int status)
    {
        var reason = ReasonPhrases.GetReasonPhrase(status);
        if (reason.Length == 0) reason = "Refused";
        return new Problem(status, $"http-{status}", reason, $"The request was refused: {reason}.");
    }
}
