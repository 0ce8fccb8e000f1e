using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Storage;

/// <summary>Gives back the room of uploads that were opened and never begun, also on a node on which nobody opens another.</summary>
internal sealed class UploadLeftovers(UploadStore uploads, TimeProvider time, ILogger<UploadLeftovers> logger) : PeriodicService(time, static () => TimeSpan.FromSeconds(30), logger)
{
    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        uploads.DropForgotten();
        return Task.CompletedTask;
    }
}
