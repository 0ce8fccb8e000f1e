using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>
/// The master's own pulse: who is silent, is Redis there and ours, is the rebuilding over (design, sections 2.7 and 6).
/// </summary>
public sealed partial class NodeWatch(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    Adoption adoption,
    ICopiesWatch fixer,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<NodeWatch> logger)
    : PeriodicService(time, () => options.Value.HealthCheckInterval, logger)
{
    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var lost in registry.DropSilent())
        {
            LogLost(registry.View.Find(lost)?.RingKey ?? lost.Value, options.Value.NodeTimeout.TotalSeconds);
            fixer.LookAgain();
        }

        if (!session.Attached)
        {
            await session.TryAttachAsync(cancellationToken);
            return;
        }

        await session.NameClusterAsync(cancellationToken);
        await session.CheckAsync(cancellationToken);
        await session.EndRebuildAsync(adoption.Finish(), cancellationToken);
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        session.Loaded += JudgeAgain;
        registry.LivenessChanged += (_, _) => fixer.LookAgain();
        registry.DamageMet += _ => fixer.LookAgain();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>The catalog came from Redis after workers had already reported: everything they hold is compared with it once.</summary>
    private void JudgeAgain()
    {
        var names = new List<FileName>();
        lock (registry.Gate)
        {
            foreach (var name in registry.Replicas.Names)
            {
                var current = catalog.Find(name)?.Version;
                if (registry.Replicas.VersionsOf(name) is [var only] && only == current) continue;
                names.Add(name);
            }
        }

        foreach (var name in names) registry.Suspect(name, catalog.Find(name)?.Version);
        adoption.Consider(names);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} has been silent for {Seconds} s and is out: its copies no longer count.")]
    private partial void LogLost(string node, double seconds);
}
