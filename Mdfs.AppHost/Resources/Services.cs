using Mdfs.AppHost.Commands;

namespace Mdfs.AppHost.Resources;

internal static class Services
{
    // Addresses that containers have among themselves. From outside nobody reaches the services that believe them.
    private const string ContainerNetworks = "10.0.0.0/8;100.64.0.0/10;172.16.0.0/12;192.168.0.0/16";

    /// <summary>
    /// A project of this solution as a service of the cluster: one HTTP endpoint, its health, the keys. On a fixed port it listens itself, so that
    /// movies do not pass through the orchestrator's proxy.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(this IDistributedApplicationBuilder builder, string name, int? port, PublishedImage image, ClusterSettings cluster)
        where TProject : IProjectMetadata, new() =>
        builder.AddBareService<TProject>(name, port, image)
            .WithGivenSettings(cluster)
            .WithEnvironment("Mdfs__AdminKey", cluster.AdminKey)
            .WithEnvironment("Mdfs__ClusterKey", cluster.ClusterKey);

    /// <summary>The same without the keys, which not every service needs to know.</summary>
    public static IResourceBuilder<ProjectResource> AddBareService<TProject>(this IDistributedApplicationBuilder builder, string name, int? port, PublishedImage image)
        where TProject : IProjectMetadata, new()
    {
        // The launch profile of a service is for starting it by hand: its ports are not ours.
        var service = builder.AddProject<TProject>(name, launchProfileName: null)
            .WithHttpEndpoint(name: "http", port: port, targetPort: builder.ExecutionContext.IsPublishMode ? image.Port : port, isProxied: port is null)
            .WithHttpHealthCheck("/health")
            // Else what is published believes whatever any client says about its address.
            .DisableForwardedHeaders();
        if (builder.ExecutionContext.IsPublishMode) return service.PublishAs(image);
        return service
            .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
            // Aspire turns the redaction of queries off when it runs a project; ours may hold the classic secret.
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "false")
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION", "false");
    }

    /// <summary>A worker under a name that it keeps, with a directory, or a volume, of its own: replicas without identities would share or lose their movies.</summary>
    public static IResourceBuilder<ProjectResource> AddWorker(
        this IDistributedApplicationBuilder builder, string name, int? port, ClusterSettings cluster, IResourceBuilder<ProjectResource> master)
    {
        var worker = builder.AddService<Projects.Mdfs_Worker>(name, port, new PublishedImage("worker", 8081, cluster.VolumeName(name)), cluster)
            .WithEnvironment("Mdfs__Worker__Name", name)
            .WithDataDirectory("Mdfs__Worker__DataDirectory", name, cluster)
            .WithReference(master)
            .WithLink("Metrics", "/metrics")
            .WithDrainCommands(master, cluster)
            .WithKillCommand();
        // A container's own idea of its address is a number that changes.
        return builder.ExecutionContext.IsPublishMode ? worker.WithEnvironment("Mdfs__Worker__AdvertisedUrl", worker.GetEndpoint("http")) : worker;
    }

    /// <summary>
    /// The service believes the console what it says about the client's address: else all its clients would count as one, and a guesser lock out
    /// everybody. Run, the console is on this machine; published, it is another container.
    /// </summary>
    public static IResourceBuilder<ProjectResource> TrustsTheConsole(this IResourceBuilder<ProjectResource> service) =>
        service.WithEnvironment("Mdfs__TrustedProxies", service.ApplicationBuilder.ExecutionContext.IsRunMode ? "127.0.0.1;::1" : ContainerNetworks);

    /// <summary>Tells the service to keep its data in a directory of its own below that of the cluster. What is published gets a volume instead.</summary>
    public static IResourceBuilder<ProjectResource> WithDataDirectory(this IResourceBuilder<ProjectResource> service, string variable, string name, ClusterSettings cluster) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode ? service.WithEnvironment(variable, Path.Combine(cluster.Data, name)) : service;

    // First of all, so that nothing which wires the services together is overridden.
    public static IResourceBuilder<ProjectResource> WithGivenSettings(this IResourceBuilder<ProjectResource> service, ClusterSettings cluster)
    {
        foreach (var (name, value) in cluster.Given) service.WithEnvironment(name.Replace(":", "__", StringComparison.Ordinal), value);
        return service;
    }

    /// <summary>A link beside the resource's address in the dashboard.</summary>
    public static IResourceBuilder<ProjectResource> WithLink(this IResourceBuilder<ProjectResource> service, string text, string path) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode
            ? service.WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = path, DisplayText = text })
            : service;
}
