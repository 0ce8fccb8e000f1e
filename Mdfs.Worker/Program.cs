using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

return await ServiceRun.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.ListenOnLoopbackInDevelopment(defaultPort: 8081);
    builder.AddMdfsWorker();

    var app = builder.Build();
    app.MapMdfsWorker();
    return app;
});
