using Mdfs.AppHost.Commands;
using Mdfs.AppHost.Resources;

// The whole cluster with one command: dotnet run --project Mdfs.AppHost -- --workers 3 --port 8080 --data DIRECTORY
// --help lists the options (Resources/Arguments.cs).
if (Arguments.AskForHelp(args))
{
    Console.WriteLine(Arguments.Help);
    return;
}

var builder = DistributedApplication.CreateBuilder(args);
var cluster = ClusterSettings.Of(builder, args);
builder.AddComposeOutput();

var store = CatalogStore.Add(builder, "redis", cluster);

var master = builder.AddService<Projects.Mdfs_Master>("master", cluster.MasterPort, new PublishedImage("master", 8080), cluster)
    .WithCatalogStore(store)
    .TrustsTheConsole()
    .WithLink("API", "/openapi/v1.json")
    .WithLink("Metrics", "/metrics")
    .WithVerifyAllCommand(cluster)
    .WithSampleMovieCommand(cluster);

// Console and API on one origin: what is not the console's it hands to the master. Nothing else is reached from outside.
var web = builder.AddService<Projects.Mdfs_Web>("web", cluster.Port, new PublishedImage("web", 8080), cluster)
    .WithCatalogStore(store)
    .WithReference(master)
    .WaitFor(master)
    .WithExternalHttpEndpoints()
    .WithLink("Console", "/")
    .WithBanner(cluster);

// More ways out for movies, which do not pass through the master then: replicas behind one address.
if (cluster.Fronts > 0)
{
    builder.AddService<Projects.Mdfs_Web>("front", null, new PublishedImage("web", 8080), cluster)
        .WithCatalogStore(store)
        .WithReference(master)
        .WaitFor(master)
        .WithEnvironment("Mdfs__Gateway__Enabled", "true")
        .WithReplicas(cluster.Fronts)
        .WithExternalHttpEndpoints();
}

var workers = Enumerable.Range(1, cluster.Workers)
    .Select(number => builder.AddWorker($"worker-{number}", cluster.WorkerPort(number), cluster, master))
    .ToList();

builder.AddMonitoring(cluster, master, web, workers);

builder.Build().Run();
