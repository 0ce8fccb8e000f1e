using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mdfs.Master.Status;

/// <summary>
/// What <c>/health</c> says of a master (design, section 6). Never unhealthy: without Redis, and while it rebuilds, it still serves movies, and there is no other master to whom requests could go instead.
/// </summary>
/// <remarks>Sentences of its own: what the store says of its trouble may name hosts, and anybody reads this.</remarks>
public sealed class MasterHealth(CatalogSession session, RebuildState rebuild) : IHealthCheck
{
    public const string RedisAway = "Redis does not answer: movies are served, and uploads, deletions and other changes are not possible.";
    public const string Rebuilding = "The catalog is being completed from the workers: a movie that it does not know yet is answered with 503.";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        List<string> troubles = [];
        if (session.Health.State is not StoreState.Serving) troubles.Add(RedisAway);
        if (rebuild.Reason is not null) troubles.Add(Rebuilding);
        return Task.FromResult(troubles.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join('\n', troubles)));
    }
}
