using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;

namespace Mdfs.AppHost.Resources;

internal static class ContainerRuntime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether a container runtime is at work, not only its client on the PATH: a container resource without a daemon never becomes healthy,
    /// and whatever waits for it waits for ever. <c>--Mdfs:Containers=false</c> says no without asking, for those who cannot, or do not want to, fetch images.
    /// </summary>
    public static bool Answers(IConfiguration configuration)
    {
        if (bool.TryParse(configuration["Mdfs:Containers"], out var wanted) && !wanted) return false;
        var chosen = configuration["ASPIRE_CONTAINER_RUNTIME"] ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        return chosen is { Length: > 0 } ? Answers(chosen) : Answers("docker") || Answers("podman");
    }

    private static bool Answers(string client)
    {
        try
        {
            using var info = Process.Start(new ProcessStartInfo(client, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true });
            if (info is null)
                return false;
            // Read and dropped, so that a full pipe does not stop it.
            info.OutputDataReceived += static (_, _) => { };
            info.ErrorDataReceived += static (_, _) => { };
            info.BeginOutputReadLine();
            info.BeginErrorReadLine();
            if (info.WaitForExit(_patience))
                return info.ExitCode == 0;
            info.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // not installed
        }
    }
}
