using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Web;

var builder = WebApplication.CreateBuilder(args);
builder.ListenOnLoopbackInDevelopment(defaultPort: 8080);
builder.AddMdfsWeb();

var app = builder.Build();
app.MapMdfsWeb();
await app.RunAsync();
