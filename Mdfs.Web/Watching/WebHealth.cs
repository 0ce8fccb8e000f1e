using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mdfs.Web.Watching;

/// <summary>
/// The console's own health. Without a master it can answer nobody's request, so that whoever spreads requests over several should pass it by; without
/// Redis it still serves who is signed in, and everything under <c>/api</c>.
/// </summary>
public sealed class WebHealth(ClusterWatch watch, Sessions.ConsoleRedis redis) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var picture = watch.Picture;
        if (picture.Refused is { } refusal) return Task.FromResult(HealthCheckResult.Unhealthy($"The master refuses the console: {refusal.Detail}"));
        if (picture.Cluster is null && !picture.MasterAway) return Task.FromResult(HealthCheckResult.Unhealthy("The console has not heard from the master yet."));
        if (picture.MasterAway) return Task.FromResult(HealthCheckResult.Unhealthy("The console does not hear the master."));
        return Task.FromResult(redis.Answers ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded("Redis does not answer the console: nobody can sign in."));
    }
}
