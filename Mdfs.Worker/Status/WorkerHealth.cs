using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mdfs.Worker.Status;

/// <summary>What <c>/health</c> says of a worker: unhealthy when its master refuses it, degraded when its disk seems to be failing.</summary>
internal sealed class WorkerHealth(Standing standing, DamageDesk damage, DirectoryWatch watch) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (standing.Refused is { } reason) return Task.FromResult(HealthCheckResult.Unhealthy($"The master refuses this node: {reason}"));
        if (watch.Trouble is { } trouble) return Task.FromResult(HealthCheckResult.Unhealthy(trouble));
        return Task.FromResult(damage.ClosedForWrites is { } closed ? HealthCheckResult.Degraded(closed) : HealthCheckResult.Healthy());
    }
}
