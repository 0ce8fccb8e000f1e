using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mdfs.ServiceDefaults.Health;

/// <summary>
/// <c>/health</c>: may requests be sent here; <c>/alive</c>: does the process answer at all, for whoever would restart it. Both plain text:
/// <c>OK</c>, as the classic scripts expect, then a line for each degraded check; or 503 and a line for each that failed.
/// </summary>
public static class HealthEndpoints
{
    /// <summary>The tag of checks that count for <c>/alive</c>; all checks count for <c>/health</c>.</summary>
    public const string AliveTag = "alive";

    public static IEndpointRouteBuilder MapMdfsHealth(this IEndpointRouteBuilder routes)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods("/health", methods, static (HealthCheckService checks, CancellationToken cancellationToken) => AnswerAsync(checks, null, cancellationToken))
            .WithName("Health").WithSummary("OK when requests may be sent here.")
            .WithDescription("Behind OK a sentence in a line of its own for whatever is not as it should be; requests are answered all the same. 503: nothing should be sent here, and the sentences say why.")
            .Produces<string>(200, "text/plain").Produces<string>(503, "text/plain").Open();
        routes.MapMethods("/alive", methods, static (HealthCheckService checks, CancellationToken cancellationToken) => AnswerAsync(checks, AliveTag, cancellationToken))
            .WithName("Alive").WithSummary("OK when the process answers.")
            .WithDescription("For whoever would start it again otherwise: 503 is answered only by one that a new start may mend.")
            .Produces<string>(200, "text/plain").Produces<string>(503, "text/plain").Open();
        return routes;
    }

    private static async Task<ClassicText> AnswerAsync(HealthCheckService checks, string? tag, CancellationToken cancellationToken)
    {
        var report = await checks.CheckHealthAsync(check => tag is null || check.Tags.Contains(tag), cancellationToken);
        var healthy = report.Status != HealthStatus.Unhealthy;
        var lines = report.Entries.Where(static entry => entry.Value.Status != HealthStatus.Healthy).Select(Sentence);
        return healthy
            ? ClassicText.Ok(string.Join('\n', lines.Prepend("OK")))
            : new ClassicText(StatusCodes.Status503ServiceUnavailable, string.Join('\n', lines));
    }

    // What an exception says is for the log, where the health check service has put it: here anybody reads.
    private static string Sentence(KeyValuePair<string, HealthReportEntry> entry) =>
        entry.Value is { Exception: null, Description: { Length: > 0 } description } ? description : $"The check '{entry.Key}' failed; see the log.";
}
