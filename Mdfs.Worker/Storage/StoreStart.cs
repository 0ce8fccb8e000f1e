namespace Mdfs.Worker.Storage;

/// <summary>Takes stock of the disk before anything else starts, the server included; and writes down at the end what only memory knew.</summary>
internal sealed partial class StoreStart(StoreRecovery recovery, NodeMemory memory, ILogger<StoreStart> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.Run(recovery.Run, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        try
        {
            memory.Save();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A dead disk is a reason to stop, and not one to end like a crash.
            LogNotSaved(error);
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "How old the cluster is could not be written down at the end; the next start goes by what was written before, a minute or so earlier.")]
    private partial void LogNotSaved(Exception error);
}
