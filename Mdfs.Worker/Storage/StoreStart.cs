namespace Mdfs.Worker.Storage;

/// <summary>Takes stock of the disk before anything else starts, the server included; and writes down at the end what only memory knew.</summary>
internal sealed class StoreStart(StoreRecovery recovery, NodeMemory memory) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.Run(recovery.Run, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        memory.Save();
        return Task.CompletedTask;
    }
}
