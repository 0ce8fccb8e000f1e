namespace Mdfs.AppHost.Resources;

internal static class Services
{
    /// <summary>
    /// A project of this solution as a service of the cluster: one HTTP endpoint, its health, the keys. On a fixed port it listens itself, so that
    /// movies do not pass through the orchestrator's proxy.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(this IDistributedApplicationBuilder builder, string name, int? port, ClusterSettings cluster)
        where TProject : IProjectMetadata, new() =>
        builder.AddBareService<TProject>(name, port)
            .WithEnvironment("Mdfs__AdminKey", cluster.AdminKey)
            .WithEnvironment("Mdfs__ClusterKey", cluster.ClusterKey);

    /// <summary>The same without the keys, which not every service needs to know.</summary>
    public static IResourceBuilder<ProjectResource> AddBareService<TProject>(this IDistributedApplicationBuilder builder, string name, int? port)
        where TProject : IProjectMetadata, new()
    {
        // The launch profile of a service is for starting it by hand: its ports are not ours.
        var service = builder.AddProject<TProject>(name, launchProfileName: null)
            .WithHttpEndpoint(name: "http", port: port, targetPort: port, isProxied: port is null)
            .WithHttpHealthCheck("/health")
            // Else what is published believes whatever any client says about its address.
            .DisableForwardedHeaders();
        if (!builder.ExecutionContext.IsRunMode)
            return service;
        return service
            .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
            // Aspire turns the redaction of queries off when it runs a project; ours may hold the classic secret.
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "false")
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION", "false");
    }

    /// <summary>
    /// The service believes a front on this machine, which here is the console, what it says about the client's address: else all its clients would count as
    /// one, and a guesser lock out everybody. Where the front runs when published is not known here.
    /// </summary>
    public static IResourceBuilder<ProjectResource> TrustsThisMachine(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode ? service.WithEnvironment("Mdfs__TrustedProxies", "127.0.0.1;::1") : service;

    /// <summary>Tells the service to keep its data in a directory of its own below that of the cluster. What is published gets volumes instead.</summary>
    public static IResourceBuilder<ProjectResource> WithDataDirectory(this IResourceBuilder<ProjectResource> service, string variable, string name, ClusterSettings cluster) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode ? service.WithEnvironment(variable, Path.Combine(cluster.Data, name)) : service;
}
