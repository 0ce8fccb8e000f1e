using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Runs a service until it is told to stop.</summary>
public static class ServiceRun
{
    /// <summary>The exit code when a setting has to be mended first: starting the process again changes nothing.</summary>
    public const int CannotStart = 2;

    /// <param name="build">The service, ready to run. What is wrong with its settings shows here or when it starts, and is told in a sentence; a stack would only hide it.</param>
    /// <returns>The process's exit code: 0 when it was told to stop.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build)
    {
        try
        {
            await build().RunUntilStoppedAsync();
            return Environment.ExitCode;
        }
        catch (Exception e) when (SettingException.IsToldBy(e))
        {
            await Console.Error.WriteLineAsync(SettingException.Sentences(e));
            return CannotStart;
        }
    }

    /// <summary>Also when it is told so before it has begun to listen: the host takes that for a failed start, and whoever watches over the process would see it crash.</summary>
    private static async Task RunUntilStoppedAsync(this WebApplication app)
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
