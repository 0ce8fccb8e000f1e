namespace Mdfs.Standalone;

/// <summary>The lifetime of a service whose end is decided by the cluster. The default one listens for Ctrl-C itself, and all services would stop at once, in no order.</summary>
internal sealed class OwnedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
