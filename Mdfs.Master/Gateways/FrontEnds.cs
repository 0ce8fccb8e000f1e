using System.Collections.Concurrent;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Master.Gateways;

/// <summary>
/// What front ends are sending, as they last told: so that a version that is being watched through one of them is not swept away, and that all choose among workers by all streams.
/// </summary>
public sealed class FrontEnds(StreamCounter streams, NodeRegistry registry, TimeProvider time, ILogger<FrontEnds> logger)
    : PeriodicService(time, static () => Memory, logger)
{
    /// <summary>A front end that was silent for so long is gone, and its streams with it.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<NodeId, Heard> _heard = new();
    private long _given;

    /// <summary>Bytes that front ends have given to clients, as far as they told it to this master.</summary>
    public long BytesGiven => Interlocked.Read(ref _given);

    public GatewayReply Take(GatewayReport report)
    {
        // An idle one does not report, and is forgotten: it says itself what masters have heard of. What was heard here counts as well, since the answer to that report may have been lost. Of
        // one that is neither known nor says so all would count for this moment.
        var before = _heard.TryGetValue(report.Gateway, out var last) ? last.Report.BytesGiven : 0;
        if (last is not null || report.BytesTold is not null) Interlocked.Add(ref _given, Math.Max(0, report.BytesGiven - Math.Max(before, report.BytesTold ?? 0)));
        _heard[report.Gateway] = new Heard(report, Time.GetTimestamp());
        foreach (var version in report.Damaged) registry.NoteDamage(version);
        Publish();

        var others = new Dictionary<NodeId, int>(streams.Here().Nodes);
        foreach (var heard in _heard.Values.Where(heard => heard.Report.Gateway != report.Gateway)) Add(others, heard.Report.Nodes.Select(node => (node.Node, node.Streams)));
        return new GatewayReply([.. others.Select(node => new NodeStreams(node.Key, node.Value))]);
    }

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (gateway, heard) in _heard)
        {
            if (Time.GetElapsedTime(heard.At) >= Memory) _heard.TryRemove(KeyValuePair.Create(gateway, heard));
        }

        Publish();
        return Task.CompletedTask;
    }

    private void Publish()
    {
        var (nodes, versions) = (new Dictionary<NodeId, int>(), new Dictionary<MovieVersion, int>());
        foreach (var heard in _heard.Values)
        {
            Add(nodes, heard.Report.Nodes.Select(node => (node.Node, node.Streams)));
            Add(versions, heard.Report.Versions.Select(version => (version.Version, version.Streams)));
        }

        streams.SetElsewhere(new StreamCounts(nodes, versions));
    }

    private static void Add<T>(Dictionary<T, int> to, IEnumerable<(T Key, int Count)> counts)
        where T : notnull
    {
        foreach (var (key, count) in counts) to[key] = to.GetValueOrDefault(key) + count;
    }

    private sealed record Heard(GatewayReport Report, long At);
}
