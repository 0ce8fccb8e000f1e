using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Runs a service until it is told to stop.</summary>
public static class ServiceRun
{
    /// <summary>Also when it is told so before it has begun to listen: the host takes that for a failed start, and whoever watches over the process would see it crash.</summary>
    public static async Task RunUntilStoppedAsync(this WebApplication app)
    {
        // Asked for now: when it has ended, nothing can be asked any more.
        var stopping = app.Lifetime.ApplicationStopping;
        try
        {
            await app.RunAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // As it was told to.
        }
    }
}
