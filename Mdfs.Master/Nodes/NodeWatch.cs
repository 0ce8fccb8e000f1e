using Mdfs.Master.Cluster;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>Notices who is silent (design, section 6).</summary>
public sealed partial class NodeWatch(
    NodeRegistry registry,
    ICopiesWatch fixer,
    ClusterClock clock,
    IOptions<MasterOptions> options,
    TimeProvider time,
    ILogger<NodeWatch> logger)
    : PeriodicService(time, () => options.Value.HealthCheckInterval, logger)
{
    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var lost in registry.DropSilent(clock.Age))
        {
            var node = registry.View.Find(lost);
            if (node is { Expected: true }) LogAwaited(node.RingKey);
            else LogLost(node?.RingKey ?? lost.Value, options.Value.NodeTimeout.TotalSeconds);
        }

        return Task.CompletedTask;
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        registry.LivenessChanged += (_, _) => fixer.LookAgain();
        registry.DamageMet += _ => fixer.LookAgain();
        return base.StartAsync(cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} is silent and in maintenance: its copies are not made anew before that is over.")]
    private partial void LogAwaited(string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} has been silent for {Seconds} s and is out: its copies no longer count and are made anew.")]
    private partial void LogLost(string node, double seconds);
}
