namespace Mdfs.AppHost.Resources;

internal static class CatalogStore
{
    private static readonly string[] _durability = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];

    /// <summary>
    /// Gives the master the durable memory it needs, under the connection string <paramref name="name"/>: Redis in a container with every write on
    /// disk and nothing evicted; where no container runtime answers, Mdfs.Garnet as a process. The name and what the master sees are the same.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithCatalogStore(this IResourceBuilder<ProjectResource> master, string name, ClusterSettings cluster)
    {
        var builder = master.ApplicationBuilder;
        return builder.ExecutionContext.IsPublishMode || ContainerRuntime.Answers(builder.Configuration)
            ? master.WithRedis(name, cluster)
            : master.WithGarnet(name, cluster);
    }

    private static IResourceBuilder<ProjectResource> WithRedis(this IResourceBuilder<ProjectResource> master, string name, ClusterSettings cluster)
    {
        var redis = master.ApplicationBuilder.AddRedis(name)
            .WithDataVolume(cluster.VolumeName(name))
            .WithArgs(static context =>
            {
                // When published, the whole command is one argument of a shell, which would ignore further ones without a word.
                if (context.ExecutionContext.IsPublishMode && context.Args is [.., string command])
                    context.Args[^1] = $"{command} {string.Join(' ', _durability)}";
                else
                    foreach (var argument in _durability)
                        context.Args.Add(argument);
            });
        return master.WithReference(redis).WaitFor(redis);
    }

    private static IResourceBuilder<ProjectResource> WithGarnet(this IResourceBuilder<ProjectResource> master, string name, ClusterSettings cluster)
    {
        var builder = master.ApplicationBuilder;
        var password = builder.AddSecret($"{name}-password");
        var garnet = builder.AddBareService<Projects.Mdfs_Garnet>(name, port: null)
            .WithEndpoint(name: "tcp", scheme: "tcp", env: "Mdfs__Garnet__Port")
            .WithEnvironment("Mdfs__Garnet__Password", password)
            .WithDataDirectory("Mdfs__Garnet__DataDirectory", "garnet", cluster);
        var address = garnet.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort);
        return master.WithEnvironment($"ConnectionStrings__{name}", ReferenceExpression.Create($"{address},password={password}")).WaitFor(garnet);
    }
}
