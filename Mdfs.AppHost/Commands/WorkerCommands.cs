using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.AppHost.Commands;

internal static class WorkerCommands
{
    /// <summary>Ends the process without a word, as if its machine had lost power: what plays from it goes on elsewhere, and its copies are made anew. "Start" brings it back.</summary>
    public static IResourceBuilder<ProjectResource> WithKillCommand(this IResourceBuilder<ProjectResource> worker) => worker.WithCommand(
        "kill", "Kill, to see healing", Kill, new CommandOptions
        {
            Description = "Ends the worker as a power failure would. Movies go on playing from other copies, and after 15 s its copies are made anew.",
            ConfirmationMessage = "Kill this worker? 'Start' brings it back.",
            IconName = "PlugDisconnected",
            UpdateState = static context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        });

    private static Task<ExecuteCommandResult> Kill(ExecuteCommandContext context)
    {
        if (!context.Services.GetRequiredService<ResourceNotificationService>().TryGetCurrentState(context.ResourceName, out var now)
            || now.Snapshot.Properties.FirstOrDefault(static property => property.Name == "executable.pid")?.Value is not { } told
            || !int.TryParse(Convert.ToString(told, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var id))
        {
            return Task.FromResult(CommandResults.Failure("The worker does not run."));
        }

        try
        {
            using var process = Process.GetProcessById(id);
            // With those it started: the orchestrator may have started the worker through another program.
            process.Kill(entireProcessTree: true);
            return Task.FromResult(CommandResults.Success("Killed."));
        }
        catch (ArgumentException)
        {
            return Task.FromResult(CommandResults.Failure("The worker has ended by itself."));
        }
    }
}
