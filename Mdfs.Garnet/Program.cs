using Mdfs.Garnet;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;

if (HealthProbe.IsAskedFor(args)) return await HealthProbe.RunAsync(args);

try
{
    var builder = WebApplication.CreateSlimBuilder(args);
    SecretFiles.AddTo(builder.Configuration);
    // Only /health is served over HTTP: on what ASPNETCORE_URLS or ASPNETCORE_HTTP_PORTS say, else on some free port of this machine.
    if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]))
        builder.WebHost.UseUrls("http://127.0.0.1:0");
    HostVoice.AddTo(builder);
    builder.AddMdfsGarnet();

    var app = builder.Build();
    app.MapHealthChecks("/health");
    HostVoice.RiseWhenStarted(app);
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (e is GarnetStoreException || SettingException.IsToldBy(e))
{
    Console.Error.WriteLine(SettingException.Sentences(e));
    return ServiceRun.CannotStart;
}
