using System.Collections.Concurrent;
using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway.Sources;

/// <summary>
/// How fast workers have lately been, in bytes per second of waiting for them: what a reader takes its time for is not held against anybody. Shared by all
/// readers, so that one who is stuck knows whether others fare better.
/// </summary>
public sealed class SourcePaces(TimeProvider time)
{
    /// <summary>How long a figure is believed.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<NodeId, Pace> _paces = new();

    /// <summary>Null: nothing is known.</summary>
    public double? Of(NodeId node) => _paces.TryGetValue(node, out var pace) && time.GetElapsedTime(pace.At) < Memory ? pace.BytesPerSecond : null;

    public void Note(NodeId node, double bytesPerSecond) => _paces[node] = new Pace(bytesPerSecond, time.GetTimestamp());

    private sealed record Pace(double BytesPerSecond, long At);
}
