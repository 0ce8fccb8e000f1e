using Mdfs.Master;
using Mdfs.ServiceDefaults.Health;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

var builder = WebApplication.CreateBuilder(args);
builder.AddMdfsMaster();

var app = builder.Build();
app.MapMdfsMaster();
await app.RunAsync();
return 0;
