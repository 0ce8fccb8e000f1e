using System.Text.Json.Serialization;
using Mdfs.Gateway;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Files;
using Mdfs.Master.Gateways;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Master.Status;
using Mdfs.Master.Transfer;
using Mdfs.Master.Uploads;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace Mdfs.Master;

/// <summary>Everything a master is made of, on one page.</summary>
public static class MasterHosting
{
    // While a master that is to stop waits for the movies in mid-stream, nobody new is answered: enough for small answers, and the break of an upgrade stays short
    // (docs/operations.md).
    private static readonly TimeSpan _shutdownTimeout = TimeSpan.FromSeconds(2);

    public static WebApplicationBuilder AddMdfsMaster(this WebApplicationBuilder builder)
    {
        builder.AddMdfsServiceDefaults("mdfs-master");
        builder.ListenOnLoopbackInDevelopment(8080);
        builder.AddCatalogRedis();
        var services = builder.Services;
        services.Configure<HostOptions>(static host => host.ShutdownTimeout = _shutdownTimeout);
        var section = builder.Configuration.GetSection(MasterOptions.Section);
        services.AddOptions<MasterOptions>().Bind(section).Validate(
            options => options.MinWriteReplicas <= options.ReplicationFactor, "Mdfs:Master:MinWriteReplicas must not be above Mdfs:Master:ReplicationFactor.").ValidateOnStart();
        services.AddSingleton<IValidateOptions<MasterOptions>, MasterOptionsValidator>();
        services.AddOptions<TransferOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<TransferOptions>, TransferOptionsValidator>();
        services.AddOptions<SignedLinkOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<SignedLinkOptions>, SignedLinkOptionsValidator>();
        services.AddOptions<CatalogStoreOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CatalogStoreOptions>, CatalogStoreOptionsValidator>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);
        services.AddMdfsOpenApi();

        // Events: what has happened, for people.
        services.AddHttpContextAccessor();
        services.AddSingleton<ActivityLog>();
        services.AddBackground<ActivityKeeper>();

        // Cluster: who is there, and what they hold.
        services.AddSingleton<MasterIdentity>();
        services.AddSingleton<IMasterIdentity>(provider => provider.GetRequiredService<MasterIdentity>());
        services.AddSingleton<INodeAuthority, MasterAuthority>();
        services.AddSingleton<ClusterClock>();
        services.AddSingleton<NodeRegistry>();

        // Catalog: what there is.
        services.AddSingleton<ChangeMetrics>();
        services.AddSingleton<CatalogStore>();
        services.AddSingleton<CatalogSession>();
        services.AddSingleton<FileCatalog>();
        services.AddSingleton<NameLocks>();
        services.AddSingleton<OpenUploads>();
        services.AddSingleton<RebuildState>();

        // Transfer: how bytes move.
        services.AddMdfsGateway(section);
        services.AddSingleton<IWindowPass, MasterPass>();
        services.AddSingleton<WorkerClient>();
        services.AddSingleton<TargetOpening>();
        services.AddSingleton<UploadFanOut>();
        services.AddSingleton<TransferMetrics>();

        // Files: what clients ask for.
        services.AddSingleton<StoreFile>();
        services.AddSingleton<CommitUpload>();
        services.AddSingleton<ReadFile>();
        builder.AnswerOnLoops<LoopMovies>(leaveAtOnce: false);
        services.AddSingleton<MovieSources>();
        services.AddSingleton<MovieLinks>();
        services.AddSingleton<IAccessPass, SignedLinkPass>();
        services.AddBackground<MovieDigests>();
        services.AddSingleton<DeleteFile>();
        services.AddSingleton<UndeleteFile>();
        services.AddSingleton<QuarantinedReplicas>();
        services.AddSingleton<VerifyFile>();
        services.AddSingleton<FileDescriber>();
        services.AddBackground<FileListing>();

        // Gateways: front ends that send movies in our place.
        services.AddSingleton<WindowGrants>();
        services.AddSingleton<MovieQuestions>();
        services.AddBackground<FrontEnds>();

        // Uploads: those that come in pieces.
        services.AddSingleton<PieceFanOut>();
        services.AddSingleton<ResumableUploads>();
        services.AddSingleton<UploadMetrics>();
        services.AddSingleton<UploadTargets>();
        services.AddSingleton<MeetWorkers>();
        services.AddSingleton<CreateUpload>();
        services.AddSingleton<AppendToUpload>();
        services.AddSingleton<FinishUpload>();
        services.AddSingleton<EndUpload>();
        services.AddSingleton<JoinParts>();
        services.AddSingleton<DraftUploads>();
        services.AddSingleton<PartPlaces>();
        services.AddSingleton<IOrderSource, UploadLeftovers>();
        services.AddBackground<UploadExpiry>();

        // Nodes: what workers report and are told.
        services.AddSingleton<RefusedNodes>();
        services.AddSingleton<NodeAdmission>();
        services.AddSingleton<ForgetNode>();
        services.AddSingleton<BeatIntake>();
        services.AddSingleton<BeatReplies>();
        services.AddSingleton<BeatConversation>();
        services.AddBackground<Adoption>();
        services.AddSingleton<IOrderSource, Sweep>();
        services.AddSingleton<Maintenance>();
        services.AddSingleton<ScrubDesk>();
        services.AddSingleton<IOrderSource>(provider => provider.GetRequiredService<ScrubDesk>());
        services.AddSingleton<IOrderSource, CanaryDoctor>();

        // Repair: copies where they are missing, none where they are too many.
        services.AddSingleton<CopySurvey>();
        services.AddBackground<Fixer>();
        services.AddSingleton<IOrderSource>(provider => provider.GetRequiredService<Fixer>());
        services.AddSingleton<ICopiesWatch>(provider => provider.GetRequiredService<Fixer>());
        services.AddSingleton<Moves>();
        services.AddSingleton<Trimmer>();
        services.AddSingleton<HolderHints>();
        services.AddSingleton<IOrderSource>(provider => provider.GetRequiredService<Trimmer>());
        services.AddBackground<TombstoneCleaner>();
        services.AddBackground<Drains>();
        services.AddBackground<Rebalance>();

        // Status: what can be seen from outside.
        services.AddSingleton<MasterStatus>();
        services.AddSingleton<MasterSettings>();
        services.AddBackground<ClusterHistory>();
        services.AddSingleton<MasterMetrics>();
        services.AddHealthChecks().AddCheck<MasterHealth>("master");

        // The first to start: the catalog is loaded before the first request is answered (design, section 2.6).
        services.AddHostedService<CatalogLoading>();
        services.AddBackground<NodeWatch>();
        services.AddBackground<SessionWatch>();
        services.AddBackground<SpareMemory>();
        return builder;
    }

    public static WebApplication MapMdfsMaster(this WebApplication app)
    {
        // Before routing: the method may stand in a header.
        app.UseMiddleware<TusMiddleware>();
        app.UseMdfsServiceDefaults();
        // Asked for now, so that its counters stand at zero before anything has happened.
        app.Services.GetRequiredService<TransferMetrics>();
        app.Services.GetRequiredService<StreamMetrics>();
        app.Services.GetRequiredService<UploadMetrics>();
        var routes = app.WithHead();
        routes.MapClassicFiles();
        routes.MapFiles();
        routes.MapTrash();
        routes.MapQuarantine();
        routes.MapResumableUploads();
        routes.MapPlaylists();
        routes.MapIndex();
        routes.MapBeats();
        routes.MapGateways();
        routes.MapNodes();
        routes.MapActivity();
        routes.MapDrains();
        routes.MapRebalance();
        routes.MapMaintenance();
        routes.MapScrub();
        routes.MapStatus();
        routes.MapMdfsHealth();
        app.MapMdfsMetrics(app.Services.GetRequiredService<MasterMetrics>().Classic);
        routes.MapOpenApi().Open();
        return app;
    }

    private static void AddBackground<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
