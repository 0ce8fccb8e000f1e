using System.Net.Http.Headers;
using Mdfs.Garnet;
using Mdfs.Master;
using Mdfs.Master.Catalog.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Support;

/// <summary>A whole master on real Kestrel and a Garnet of its own, by the clock that the test gives it.</summary>
internal sealed class MasterRig : IAsyncDisposable
{
    public const string AdminKey = "correct-horse-battery";
    public const string ClusterKey = "the-secret-of-this-cluster";

    private readonly TempDirectory _temp;
    private readonly GarnetStore? _store;
    private readonly WebApplication _app;

    private MasterRig(TempDirectory temp, GarnetStore? store, string redis, WebApplication app)
    {
        (_temp, _store, _app, Redis) = (temp, store, app, redis);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Admin = new HttpClient { BaseAddress = Client.BaseAddress };
        Admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
    }

    /// <summary>The connection string of its Redis, for a look past the master.</summary>
    public string Redis { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Without any key.</summary>
    public HttpClient Client { get; }

    public HttpClient Admin { get; }

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public static async Task<MasterRig> StartAsync(TimeProvider? time = null, params (string Key, string Value)[] settings)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var temp = new TempDirectory();
        var store = new GarnetStore(new GarnetStoreOptions { Port = 0, DataDirectory = temp["garnet"] });
        await store.StartAsync(cancellation);
        return await StartAsync(temp, store, store.ConnectionString, time, settings);
    }

    /// <summary>With a Redis that may or may not be there.</summary>
    public static Task<MasterRig> StartAtAsync(string redis, TimeProvider? time, params (string Key, string Value)[] settings) =>
        StartAsync(new TempDirectory(), null, redis, time, settings);

    private static async Task<MasterRig> StartAsync(TempDirectory temp, GarnetStore? store, string redis, TimeProvider? time, (string Key, string Value)[] settings)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Logging:Console:LogLevel:Default"] = "None",
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:redis"] = redis,
            ["Mdfs:AdminKey"] = AdminKey,
            ["Mdfs:ClusterKey"] = ClusterKey,
            ["Mdfs:AllowedHosts"] = "127.0.0.1",
        });
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, string? (setting) => setting.Value));
        if (time is not null) builder.Services.AddSingleton(time);
        builder.AddMdfsMaster();
        // Redis answers by the real clock, whatever the test's says.
        builder.Services.AddSingleton(static provider => ActivatorUtilities.CreateInstance<CatalogStore>(provider, TimeProvider.System));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        var app = builder.Build();
        app.MapMdfsMaster();
        await app.StartAsync(cancellation);
        return new MasterRig(temp, store, redis, app);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Admin.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_store is not null) await _store.DisposeAsync();
        _temp.Dispose();
    }
}
