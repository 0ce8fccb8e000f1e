using Mdfs.AppHost.Resources;

// The whole cluster with one command. The options are those of Mdfs.Standalone:
// dotnet run --project Mdfs.AppHost -- --workers 3 --port 8080 --data DIRECTORY
var builder = DistributedApplication.CreateBuilder(args);
var cluster = ClusterSettings.Of(builder);

var store = CatalogStore.Add(builder, "redis", cluster);

var master = builder.AddService<Projects.Mdfs_Master>("master", cluster.MasterPort, cluster)
    .WithCatalogStore(store)
    .TrustsThisMachine()
    .WithExternalHttpEndpoints();

// Console and API on one origin: what is not the console's it hands to the master.
builder.AddService<Projects.Mdfs_Web>("web", cluster.Port, cluster)
    .WithCatalogStore(store)
    .WithReference(master)
    .WaitFor(master)
    .WithExternalHttpEndpoints();

for (var number = 1; number <= cluster.Workers; number++)
{
    var name = $"worker-{number}";
    builder.AddService<Projects.Mdfs_Worker>(name, cluster.WorkerPort(number), cluster)
        .WithEnvironment("Mdfs__Worker__Name", name)
        .WithDataDirectory("Mdfs__Worker__DataDirectory", name, cluster)
        .WithReference(master);
}

builder.Build().Run();
