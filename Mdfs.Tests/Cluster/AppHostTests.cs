#if ASPIRE
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TempDirectory = Mdfs.Tests.Support.TempDirectory;
#endif

namespace Mdfs.Tests.Cluster;

/// <summary>The AppHost with Aspire's real orchestrator; where the NuGet sources carry no Aspire there is none to test.</summary>
public sealed class AppHostTests
{
#if ASPIRE
    private const string AdminKey = "an admin key of this test";

    [Fact]
    public async Task The_cluster_comes_up_under_Aspire_and_stores_a_movie_twice()
    {
        using var temp = new TempDirectory();
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Mdfs_AppHost>(
        [
            "--port", "0",
            "--workers", "2",
            "--data", temp["data"],
            // Given, so that the user secrets of whoever runs the tests stay as they are.
            $"--Parameters:admin-key={AdminKey}",
            "--Parameters:cluster-key=a cluster key of this test",
            "--Parameters:redis-password=password-of-this-test",
            // Else every start waits for a container runtime, also where there is none.
            "--DcpPublisher:ContainerRuntimeInitializationTimeout=00:00:00",
        ], Cancelled);
        // Without the dashboard nobody listens there, and each service would wait for it at its end.
        foreach (var project in builder.Resources.OfType<ProjectResource>().ToArray())
            builder.CreateResourceBuilder(project).WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "");

        // Services that are still starting are unhealthy, and a page of log each time.
        builder.Services.AddLogging(static logging => logging.AddFilter(static level => level >= LogLevel.Warning).AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));

        await using var app = await builder.BuildAsync(Cancelled);
        await app.StartAsync(Cancelled);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("master", Cancelled).WaitAsync(TimeSpan.FromMinutes(2), Cancelled);

        using var master = app.CreateHttpClient("master", "http");
        await Eventually.TrueAsync(async () => (await master.GetFromJsonAsync<JsonElement>("/stats", Cancelled)).GetProperty("active_nodes").GetInt32() == 2, "two workers", TimeSpan.FromMinutes(1), Cancelled);

        var movie = new byte[300_000];
        Random.Shared.NextBytes(movie);
        master.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
        using var stored = await master.PutAsync("/api/files/film.mp4", new ByteArrayContent(movie), Cancelled);
        Assert.Equal(2, (await stored.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("copies").GetInt32());
        Assert.Equal(movie, await master.GetByteArrayAsync("/download?name=film.mp4", Cancelled));

        // The console's origin is the API's too.
        await app.ResourceNotifications.WaitForResourceHealthyAsync("web", Cancelled).WaitAsync(TimeSpan.FromMinutes(2), Cancelled);
        using var web = app.CreateHttpClient("web", "http");
        Assert.Equal(movie, await web.GetByteArrayAsync("/download?name=film.mp4", Cancelled));
        Assert.Contains("MDFS Pro", await web.GetStringAsync("/", Cancelled));
        Assert.True(Directory.Exists(temp["data/worker-1"]) && Directory.Exists(temp["data/worker-2"]));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;
#else
    [Fact(Skip = "The NuGet sources of this machine do not carry the Aspire packages, so there is no orchestrator to test.")]
    public void The_cluster_comes_up_under_Aspire_and_stores_a_movie_twice()
    {
    }
#endif
}
