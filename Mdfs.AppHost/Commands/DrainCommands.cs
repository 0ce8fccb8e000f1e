using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.AppHost.Resources;

namespace Mdfs.AppHost.Commands;

/// <summary>Buttons of the dashboard that empty a worker before it leaves.</summary>
internal static class DrainCommands
{
    public static IResourceBuilder<ProjectResource> WithDrainCommands(this IResourceBuilder<ProjectResource> worker, IResourceBuilder<ProjectResource> master, ClusterSettings cluster)
    {
        var name = worker.Resource.Name;
        return worker
            .WithCommand("drain", "Drain", context => MasterCommands.AskAsync(master, cluster, (client, cancellation) => BeginAsync(client, name, cancellation), context), new CommandOptions
            {
                Description = "Its copies are made on other workers first, so that no movie ever has fewer than it should; then they go from it, and it may leave.",
                ConfirmationMessage = "Drain this worker? 'Take the drain back' ends that.",
                IconName = "ArrowExit",
            })
            .WithCommand("undrain", "Take the drain back", context => MasterCommands.AskAsync(master, cluster, (client, cancellation) => EndAsync(client, name, cancellation), context), new CommandOptions
            {
                Description = "The worker counts again and gets new movies.",
                IconName = "ArrowUndo",
            });
    }

    private static async Task<ExecuteCommandResult> BeginAsync(HttpClient client, string name, CancellationToken cancellation)
    {
        if (await AddressAsync(client, name, cancellation) is not { } address) return Unknown(name);
        using var answer = await client.PostAsync(address, null, cancellation);
        if (!answer.IsSuccessStatusCode) return await MasterCommands.RefusedAsync(answer, cancellation);
        var drain = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return CommandResults.Success(string.Create(CultureInfo.InvariantCulture,
            $"Copies of {drain.GetProperty("movies").GetInt32()} movies, {drain.GetProperty("bytes").GetInt64():N0} bytes, are made elsewhere; then {name} may leave."));
    }

    private static async Task<ExecuteCommandResult> EndAsync(HttpClient client, string name, CancellationToken cancellation)
    {
        if (await AddressAsync(client, name, cancellation) is not { } address) return Unknown(name);
        using var answer = await client.DeleteAsync(address, cancellation);
        return answer.IsSuccessStatusCode ? CommandResults.Success($"{name} is not drained any more.") : await MasterCommands.RefusedAsync(answer, cancellation);
    }

    private static async Task<string?> AddressAsync(HttpClient client, string name, CancellationToken cancellation)
    {
        var nodes = await client.GetFromJsonAsync<JsonElement>("/api/nodes", cancellation);
        var node = nodes.EnumerateArray().FirstOrDefault(node => node.GetProperty("name").GetString() == name);
        return node.ValueKind == JsonValueKind.Undefined ? null : $"/api/nodes/{node.GetProperty("id").GetString()}/drain";
    }

    private static ExecuteCommandResult Unknown(string name) => CommandResults.Failure($"The master has not heard of {name} yet.");
}
