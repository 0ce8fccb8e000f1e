using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Web;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

var builder = WebApplication.CreateBuilder(args);
builder.ListenOnLoopbackInDevelopment(defaultPort: 8080);
builder.AddMdfsWeb();

var app = builder.Build();
app.MapMdfsWeb();
await app.RunUntilStoppedAsync();
return Environment.ExitCode;
