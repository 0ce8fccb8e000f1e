using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Web;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

return await ServiceRun.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.ListenOnLoopbackInDevelopment(defaultPort: 8080);
    builder.AddMdfsWeb();

    var app = builder.Build();
    app.MapMdfsWeb();
    return app;
});
