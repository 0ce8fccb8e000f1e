using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Mdfs.AppHost.Resources;

namespace Mdfs.AppHost.Commands;

/// <summary>Buttons of the dashboard that ask the master for something, as its admin.</summary>
internal static class MasterCommands
{
    private const string Sample = "sample.mp4";

    /// <summary>Has every copy of every movie re-read; the result names those that are not whole.</summary>
    public static IResourceBuilder<ProjectResource> WithVerifyAllCommand(this IResourceBuilder<ProjectResource> master, ClusterSettings cluster) => master.WithCommand(
        "verify-all", "Verify all movies", context => AskAsync(master, cluster, VerifyAllAsync, context), WhenHealthy(
            "Re-reads every copy of every movie and compares it with what was stored.", "CheckmarkStarburst"));

    /// <summary>Stores ten seconds of a test picture, so that there is something to play.</summary>
    public static IResourceBuilder<ProjectResource> WithSampleMovieCommand(this IResourceBuilder<ProjectResource> master, ClusterSettings cluster) => master.WithCommand(
        "upload-sample", "Upload a sample movie", context => AskAsync(master, cluster, UploadSampleAsync, context), WhenHealthy(
            $"Stores ten seconds of a test picture as {Sample}.", "ArrowUpload"));

    private static CommandOptions WhenHealthy(string description, string icon) => new()
    {
        Description = description,
        IconName = icon,
        UpdateState = static context => context.ResourceSnapshot.HealthStatus is Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy
            ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled,
    };

    /// <summary>Asks the master of this run something, as its admin.</summary>
    public static async Task<ExecuteCommandResult> AskAsync(
        IResourceBuilder<ProjectResource> master, ClusterSettings cluster, Func<HttpClient, CancellationToken, Task<ExecuteCommandResult>> ask, ExecuteCommandContext context)
    {
        // Re-reading a library takes as long as it takes; the dashboard can cancel it.
        using var client = new HttpClient { BaseAddress = new Uri(master.GetEndpoint("http").Url), Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await cluster.AdminKey.Resource.GetValueAsync(context.CancellationToken));
        try
        {
            return await ask(client, context.CancellationToken);
        }
        catch (HttpRequestException failure)
        {
            return CommandResults.Failure($"The master did not answer: {failure.Message}");
        }
    }

    private static async Task<ExecuteCommandResult> VerifyAllAsync(HttpClient client, CancellationToken cancellation)
    {
        var (movies, copies, unasked, bad) = (0, 0, 0, new List<string>());
        for (var page = "/api/files?limit=1000"; page is not null;)
        {
            var listing = await client.GetFromJsonAsync<JsonElement>(page, cancellation);
            foreach (var movie in listing.GetProperty("files").EnumerateArray())
            {
                var name = movie.GetProperty("name").GetString()!;
                using var answer = await client.PostAsync($"/api/files/{Uri.EscapeDataString(name)}/verify", null, cancellation);
                // Deleted in between.
                if (answer.StatusCode == System.Net.HttpStatusCode.NotFound) continue;
                if (!answer.IsSuccessStatusCode) return CommandResults.Failure($"'{name}' could not be verified: {await answer.Content.ReadAsStringAsync(cancellation)}");
                movies++;
                foreach (var verdict in (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation)).EnumerateArray())
                {
                    var checksum = verdict.GetProperty("checksum").GetString();
                    // A node that is away says nothing about what it holds.
                    if (checksum == "ERROR") unasked++;
                    else copies++;
                    if (checksum != "ERROR" && !verdict.GetProperty("valid").GetBoolean()) bad.Add($"{name} on {verdict.GetProperty("node").GetString()}: {checksum}");
                }
            }

            page = listing.TryGetProperty("next", out var next) && next.GetString() is { } cursor ? $"/api/files?limit=1000&cursor={Uri.EscapeDataString(cursor)}" : null;
        }

        var sentence = string.Create(CultureInfo.InvariantCulture, $"{copies} copies of {movies} movies were re-read, {bad.Count} are not whole, {unasked} on nodes that did not answer.");
        return bad.Count == 0 ? CommandResults.Success(sentence) : CommandResults.Failure(sentence, string.Join('\n', bad));
    }

    private static async Task<ExecuteCommandResult> UploadSampleAsync(HttpClient client, CancellationToken cancellation)
    {
        await using var movie = typeof(MasterCommands).Assembly.GetManifestResourceStream(Sample)!;
        using var answer = await client.PutAsync($"/api/files/{Sample}", new StreamContent(movie), cancellation);
        if (!answer.IsSuccessStatusCode) return await RefusedAsync(answer, cancellation);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return CommandResults.Success($"Stored {Sample}, {body.GetProperty("copies").GetInt32()} copies.");
    }

    /// <summary>The master's own words on why not.</summary>
    public static async Task<ExecuteCommandResult> RefusedAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return CommandResults.Failure(body.TryGetProperty("detail", out var detail) ? detail.GetString() : $"The master answered {(int)answer.StatusCode}.");
    }
}
