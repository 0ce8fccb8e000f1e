using System.Collections.Concurrent;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Web.FrontEnd;

/// <summary>Tells the master what is being sent here, so that nobody sweeps it away, and learns what others read, so that all together choose the worker with the fewest streams.</summary>
internal sealed class StreamReports(
    StreamCounter streams, StreamMetrics metrics, FrontEndIdentity self, MasterWord master, IOptions<GatewayOptions> options, TimeProvider time, ILogger<StreamReports> logger)
    : PeriodicService(time, static () => TimeSpan.FromSeconds(2), logger)
{
    private readonly ConcurrentDictionary<MovieVersion, byte> _damaged = new();
    // What stood in the last report that was answered, and whether that one said that nothing is being sent any more.
    private long _told;
    private bool _atRest = true;

    /// <summary>A worker has met a bad block of it. The master hears of it at once.</summary>
    public void NoteDamage(MovieVersion version)
    {
        _damaged[version] = 0;
        Wake();
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled) return;
        var (here, given, damaged) = (streams.Here(), metrics.BytesGiven, _damaged.Keys.ToList());
        // Once more after the last one has ended; then there is nothing to tell until somebody comes.
        if (here.Versions.Count == 0 && damaged.Count == 0 && given == _told && _atRest)
        {
            streams.SetElsewhere(StreamCounts.None);
            return;
        }

        var report = new GatewayReport(
            self.Id, [.. here.Nodes.Select(node => new NodeStreams(node.Key, node.Value))], [.. here.Versions.Select(version => new VersionStreams(version.Key, version.Value))], given, damaged, _told);
        if (await master.ReportAsync(report, cancellationToken) is not { } reply)
        {
            streams.SetElsewhere(StreamCounts.None);
            return;
        }

        (_told, _atRest) = (given, here.Versions.Count == 0);
        foreach (var version in damaged) _damaged.TryRemove(version, out _);
        streams.SetElsewhere(new StreamCounts(reply.Nodes.ToDictionary(node => node.Node, node => node.Streams), StreamCounts.None.Versions));
    }
}
