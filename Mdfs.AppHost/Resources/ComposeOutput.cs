namespace Mdfs.AppHost.Resources;

/// <summary>What publishing as a Compose file needs. Its package, Aspire.Hosting.Docker, is missing from some NuGet sources that carry the rest of Aspire (eng/Aspire.props).</summary>
internal static class ComposeOutput
{
#if ASPIRE_COMPOSE
    public static void AddComposeOutput(this IDistributedApplicationBuilder builder) =>
        builder.AddDockerComposeEnvironment("compose").WithDashboard(enabled: false).ExcludeFromManifest();

    public static IResourceBuilder<T> RestartedByCompose<T>(this IResourceBuilder<T> container)
        where T : ContainerResource => container.PublishAsDockerComposeService(static (_, compose) => compose.Restart = "unless-stopped");

    public static IResourceBuilder<ProjectResource> ReadOnlyInCompose(this IResourceBuilder<ProjectResource> service) => service.PublishAsDockerComposeService(static (_, compose) =>
    {
        compose.Restart = "unless-stopped";
        compose.ReadOnly = true;
        compose.CapDrop = ["ALL"];
        compose.SecurityOpt = ["no-new-privileges:true"];
        compose.Tmpfs = ["/tmp"];
    });
#else
    /// <exception cref="DistributedApplicationException">A Compose file is asked for: without the package nothing would be written, and nothing said.</exception>
    public static void AddComposeOutput(this IDistributedApplicationBuilder builder)
    {
        // Asked of the configuration, because the context calls every publisher the manifest's.
        if (builder.ExecutionContext.IsPublishMode && builder.Configuration["Publishing:Publisher"] != "manifest")
            throw new DistributedApplicationException("A Compose file needs the package Aspire.Hosting.Docker, and your NuGet sources do not carry it. The manifest can be had: --publisher manifest --output-path FILE.");
    }

    public static IResourceBuilder<T> RestartedByCompose<T>(this IResourceBuilder<T> container)
        where T : ContainerResource => container;

    public static IResourceBuilder<ProjectResource> ReadOnlyInCompose(this IResourceBuilder<ProjectResource> service) => service;
#endif
}
