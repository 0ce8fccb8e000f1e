using Mdfs.Master;

var builder = WebApplication.CreateBuilder(args);
builder.AddMdfsMaster();

var app = builder.Build();
app.MapMdfsMaster();
app.Run();
