using Mdfs.Master;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

// Not 0 when this master was replaced: what watches over it must not start it again (CatalogSession.ReplacedExitCode).
return await ServiceRun.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddMdfsMaster();

    var app = builder.Build();
    app.MapMdfsMaster();
    return app;
});
