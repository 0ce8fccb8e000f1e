using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Problems;

/// <summary>
/// A refusal as a value (design, section 9): returned by handlers and use cases, written in the language of the route that was asked:
/// <c>application/problem+json</c> (RFC 9457) below <c>/api</c> and <c>/internal</c>, a plain sentence on the classic routes.
/// Each area gathers its own in one <c>…Problems.cs</c>.
/// </summary>
/// <param name="Status">The HTTP status, 400 to 599.</param>
/// <param name="Slug">Stable, lower case with hyphens; <see cref="Type"/> is made of it.</param>
/// <param name="Title">What kind of problem it is; the same for every occurrence.</param>
/// <param name="Detail">A sentence that says what to do.</param>
public sealed record Problem(int Status, string Slug, string Title, string Detail) : IResult, IStatusCodeHttpResult
{
    public const string MediaType = "application/problem+json";

    private const string TypePrefix = "urn:mdfs:problem:";

    public string Type => TypePrefix + Slug;

    /// <summary>What the classic routes say instead of <see cref="Detail"/>, where clients compare the text.</summary>
    public string? Classic { get; init; }

    /// <summary>Sent as <c>Retry-After</c> in whole seconds, rounded up (RFC 9110, section 10.2.3).</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Further members of the problem: text, numbers and truth values.</summary>
    public IReadOnlyDictionary<string, object?> Extensions { get; init; } = new Dictionary<string, object?>();

    int? IStatusCodeHttpResult.StatusCode => Status;

    public Problem With(string member, object? value) => this with { Extensions = new Dictionary<string, object?>(Extensions) { [member] = value } };

    /// <summary>Answers in the language of the route.</summary>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        Prepare(httpContext);
        return SpeaksJson(httpContext.Request.Path)
            ? ProblemJson.WriteAsync(httpContext, this, TraceId(httpContext))
            : ClassicText.WriteAsync(httpContext, Status, Classic ?? Detail);
    }

    /// <summary>Whether refusals below this path are JSON.</summary>
    public static bool SpeaksJson(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/internal");

    private void Prepare(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        if (RetryAfter is { } wait) headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (Status == StatusCodes.Status401Unauthorized && headers.WWWAuthenticate.Count == 0) headers.WWWAuthenticate = "Bearer realm=\"mdfs\"";
    }

    private static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
}
