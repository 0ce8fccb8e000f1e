using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mdfs.Garnet;

/// <summary>Runs a <see cref="GarnetStore"/> for as long as its host runs, and says whether it is up.</summary>
public sealed class GarnetService(GarnetStore store) : IHostedLifecycleService, IHealthCheck
{
    private volatile bool _up;

    /// <summary>Before every other service of the host, so that none of them meets a store that is not there yet.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await store.StartAsync(cancellationToken);
        _up = true;
    }

    /// <summary>After every other service has stopped.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        _up = false;
        await store.DisposeAsync();
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_up ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The store is not open."));

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
