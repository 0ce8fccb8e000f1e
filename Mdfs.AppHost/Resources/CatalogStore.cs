namespace Mdfs.AppHost.Resources;

/// <summary>
/// The durable memory that the master, and the console for its sessions, need, under one connection string: Redis in a container with every write on
/// disk and nothing evicted; where no container runtime answers, Mdfs.Garnet as a process. The name and what the services see are the same.
/// </summary>
/// <param name="Attach">Gives a service the connection string, and lets it wait.</param>
internal sealed record CatalogStore(Func<IResourceBuilder<ProjectResource>, IResourceBuilder<ProjectResource>> Attach)
{
    private static readonly string[] _durability = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];

    public static CatalogStore Add(IDistributedApplicationBuilder builder, string name, ClusterSettings cluster) =>
        builder.ExecutionContext.IsPublishMode || ContainerRuntime.Answers(builder.Configuration)
            ? Redis(builder, name, cluster)
            : Garnet(builder, name, cluster);

    private static CatalogStore Redis(IDistributedApplicationBuilder builder, string name, ClusterSettings cluster)
    {
        var redis = builder.AddRedis(name)
            .WithDataVolume(cluster.VolumeName(name))
            .RestartedByCompose()
            .WithArgs(static context =>
            {
                // When published, the whole command is one argument of a shell, which would ignore further ones without a word.
                if (context.ExecutionContext.IsPublishMode && context.Args is [.., string command])
                    context.Args[^1] = $"{command} {string.Join(' ', _durability)}";
                else
                    foreach (var argument in _durability)
                        context.Args.Add(argument);
            });
        return new CatalogStore(service => service.WithReference(redis).WaitFor(redis));
    }

    private static CatalogStore Garnet(IDistributedApplicationBuilder builder, string name, ClusterSettings cluster)
    {
        var password = builder.AddSecret($"{name}-password");
        var garnet = builder.AddBareService<Projects.Mdfs_Garnet>(name, port: null, new PublishedImage("garnet", 6379))
            .WithGivenSettings(cluster)
            .WithEndpoint(name: "tcp", scheme: "tcp", env: "Mdfs__Garnet__Port")
            .WithEnvironment("Mdfs__Garnet__Password", password)
            .WithDataDirectory("Mdfs__Garnet__DataDirectory", "garnet", cluster);
        var address = garnet.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort);
        return new CatalogStore(service => service.WithEnvironment($"ConnectionStrings__{name}", ReferenceExpression.Create($"{address},password={password}")).WaitFor(garnet));
    }
}

internal static class CatalogStores
{
    public static IResourceBuilder<ProjectResource> WithCatalogStore(this IResourceBuilder<ProjectResource> service, CatalogStore store) => store.Attach(service);
}
