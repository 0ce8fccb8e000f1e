using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Worker.Files;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Replication;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker;

/// <summary>Everything a worker is made of. Nothing of it is static: several workers live in one process.</summary>
public static class WorkerHosting
{
    public static WebApplicationBuilder AddMdfsWorker(this WebApplicationBuilder builder)
    {
        builder.AddMdfsServiceDefaults("mdfs-worker", static services => services.GetRequiredService<NodeMemory>().Id.Value);

        var services = builder.Services;
        services.AddOptions<WorkerOptions>().Bind(builder.Configuration.GetSection(WorkerOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>();
        // The master speaks with tokens; only people who ask a worker directly need a key. Without one nobody is admin here.
        services.Configure<AdminKeyOptions>(static keys => keys.MayBeLeftOut());
        AddStorage(services);
        AddHeartbeats(services);
        AddWork(services);
        builder.AnswerOnLoops<LoopWindows>(leaveAtOnce: true);
        return builder;
    }

    public static WebApplication MapMdfsWorker(this WebApplication app)
    {
        app.UseMdfsServiceDefaults();
        // Asked for now: a worker without a master to report to says so before it listens.
        app.Services.GetRequiredService<MasterAddresses>();
        app.MapUploads();
        app.MapReplicas();
        app.MapTrash();
        app.MapQuarantine();
        app.WithHead().MapClassic();
        app.MapLinks();
        app.MapMdfsHealth();
        app.MapMdfsMetrics(app.Services.GetRequiredService<WorkerMetrics>().Classic);
        return app;
    }

    private static void AddStorage(IServiceCollection services)
    {
        services.AddSingleton(static provider => DataDirectory.Open(provider.GetRequiredService<IOptions<WorkerOptions>>().Value.DataDirectory));
        services.AddSingleton(static provider => NodeMemory.Open(provider.GetRequiredService<DataDirectory>(), provider.GetRequiredService<EmergencyRoom>()));
        services.AddSingleton(static provider => TombstoneLog.Open(provider.GetRequiredService<DataDirectory>().TombstoneFile));
        services.AddSingleton<NodeLife>();
        services.AddSingleton<Inventory>();
        services.AddSingleton<SpaceAccount>();
        services.AddSingleton<UploadStore>();
        services.AddSingleton<AppendStore>();
        services.AddSingleton<ReplicaStore>();
        services.AddSingleton<DirectBuffers>();
        services.AddSingleton<KeptReaders>();
        services.AddSingleton<Quarantine>();
        services.AddSingleton<EmergencyRoom>();
        services.AddSingleton<StoreRecovery>();
        services.AddHostedService<StoreStart>();
        services.AddWorkHorse<Trash>();
        services.AddWorkHorse<KeptTrash>();
        services.AddWorkHorse<DirectoryWatch>();
    }

    private static void AddHeartbeats(IServiceCollection services)
    {
        services.AddSingleton<MasterClock>();
        services.AddSingleton<MasterAddresses>();
        services.AddSingleton<MasterLink>();
        services.AddSingleton<Standing>();
        services.AddSingleton<BeatBell>();
        services.AddSingleton<SharedStop>();
        services.AddSingleton<NodeAddress>();
        services.AddSingleton<BeatBuilder>();
        services.AddSingleton<SelfPortrait>();
        services.AddSingleton<Obedience>();
        services.AddSingleton<INodeAuthority, WorkerAuthority>();
        services.AddSingleton<IAccessPass, NodeTokenPass>();
        services.AddWorkHorse<OrderDesk>();
        services.AddWorkHorse<InventorySender>();
        services.AddWorkHorse<HeartbeatService>();
    }

    private static void AddWork(IServiceCollection services)
    {
        services.TryAddSingleton<ByteClient>();
        services.AddSingleton<WorkerMetrics>();
        services.AddSingleton<WindowFindings>();
        services.AddSingleton<WindowSender>();
        services.AddSingleton<DamageDesk>();
        services.AddSingleton<FreshBlocks>();
        services.AddSingleton<ReplicaVerifier>();
        services.AddSingleton(static provider => new Throttle(
            provider.GetRequiredService<IOptions<WorkerOptions>>().Value.RepairBytesPerSecond, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<PeerWindows>();
        services.AddSingleton<PullRunner>();
        services.AddSingleton<PartJoin>();
        services.AddWorkHorse<PullDesk>();
        services.AddWorkHorse<PullLeftovers>();
        services.AddWorkHorse<UploadLeftovers>();
        services.AddWorkHorse<VerifyQueue>();
        services.AddSingleton<ScrubMemory>();
        services.AddSingleton<Canary>();
        services.AddWorkHorse<Scrubber>();
        services.AddHealthChecks().AddCheck<WorkerHealth>("worker");
    }

    // One object, asked for by its type and started with the host.
    private static void AddWorkHorse<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddSingleton<IHostedService>(static provider => provider.GetRequiredService<T>());
    }
}
