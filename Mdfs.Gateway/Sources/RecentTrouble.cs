using System.Collections.Concurrent;
using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway.Sources;

/// <summary>
/// The workers that could not be reached, or fell silent, a moment ago. One that has just died has no streams in flight, and so would be
/// everybody's first choice until its beats are missed, at a time-out for each reader.
/// </summary>
public sealed class RecentTrouble(TimeProvider time)
{
    /// <summary>As long as it takes until a dead node has left the live set (design, section 6).</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<NodeId, long> _since = new();

    public bool Has(NodeId node) => _since.TryGetValue(node, out var since) && time.GetElapsedTime(since) < Memory;

    public void Note(NodeId node) => _since[node] = time.GetTimestamp();

    public void Clear(NodeId node)
    {
        // Asked first: removing locks, also where there is nothing to remove, and this is called for each window.
        if (_since.ContainsKey(node)) _since.TryRemove(node, out _);
    }
}
