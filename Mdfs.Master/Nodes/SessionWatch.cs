using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Looks after the catalog's other half: is Redis there and ours, is the rebuilding over (design, sections 2.7 and 6). Apart from
/// <see cref="NodeWatch"/>, since a Redis that hangs must not keep anybody from noticing silent nodes.
/// </summary>
public sealed class SessionWatch(
    NodeRegistry registry,
    FileCatalog catalog,
    CatalogSession session,
    Adoption adoption,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<SessionWatch> logger)
    : PeriodicService(time, () => options.Value.HealthCheckInterval, logger)
{
    // Beats that want to name the cluster wait behind an attempt to reach Redis, and workers wait 8 s for an answer.
    private static readonly TimeSpan _attachPatience = TimeSpan.FromSeconds(3);

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!session.Attached)
        {
            await session.TryAttachAsync(_attachPatience, cancellationToken);
            return;
        }

        await session.NameClusterAsync(allHaveSpoken: false, cancellationToken);
        await session.CheckAsync(cancellationToken);
        await session.SaveNodesAsync(cancellationToken);
        await session.EndRebuildAsync(adoption.Finish(), cancellationToken);
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        session.Loaded += JudgeAgain;
        session.Durable = adoption.Durable;
        return base.StartAsync(cancellationToken);
    }

    /// <summary>The catalog came from Redis after workers had already reported: everything they hold is compared with it once.</summary>
    private void JudgeAgain()
    {
        adoption.ForgetProvisional();
        var names = new List<Protocol.Names.FileName>();
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
}
