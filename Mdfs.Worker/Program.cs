using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker;

var builder = WebApplication.CreateBuilder(args);
builder.ListenOnLoopbackInDevelopment(defaultPort: 8081);
builder.AddMdfsWorker();

var app = builder.Build();
app.MapMdfsWorker();
await app.RunAsync();
