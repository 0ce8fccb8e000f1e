using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway.Sources;

/// <summary>
/// The streams in flight, here and elsewhere, per node (the replica with the fewest is read) and per version (a superseded version that somebody watches is not removed;
/// design, sections 4 and 5). Safe for all threads.
/// </summary>
public sealed class StreamCounter
{
    private readonly ConcurrentDictionary<NodeId, int> _nodes = new();
    private readonly ConcurrentDictionary<MovieVersion, int> _versions = new();

    private StreamCounts _elsewhere = StreamCounts.None;

    /// <summary>Clients being served.</summary>
    public int Clients => _versions.Values.Sum() + Volatile.Read(ref _elsewhere).Versions.Values.Sum();

    /// <summary>Windows being read from this node.</summary>
    public int OnNode(NodeId node) => _nodes.GetValueOrDefault(node) + Volatile.Read(ref _elsewhere).Nodes.GetValueOrDefault(node);

    /// <summary>Clients being served from this version.</summary>
    public int OfVersion(MovieVersion version) => _versions.GetValueOrDefault(version) + Volatile.Read(ref _elsewhere).Versions.GetValueOrDefault(version);

    /// <summary>What this service alone is sending.</summary>
    public StreamCounts Here() => new(_nodes.ToDictionary(), _versions.ToDictionary());

    /// <summary>What other services were sending when they were last heard.</summary>
    public void SetElsewhere(StreamCounts counts) => Volatile.Write(ref _elsewhere, counts);

    /// <summary>Counts a reading of this node until it is disposed.</summary>
    public IDisposable Enter(NodeId node) => new Place<NodeId>(_nodes, node);

    /// <summary>Counts a client of this version until it is disposed, also between two replicas.</summary>
    public IDisposable Enter(MovieVersion version) => new Place<MovieVersion>(_versions, version);

    private sealed class Place<T> : IDisposable
        where T : notnull
    {
        private readonly T _key;
        private ConcurrentDictionary<T, int>? _counts;

        public Place(ConcurrentDictionary<T, int> counts, T key)
        {
            _key = key;
            _counts = counts;
            counts.AddOrUpdate(key, 1, static (_, count) => count + 1);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _counts, null) is not { } counts) return;
            // Zeros are removed, since versions never come back; but only while they are zero.
            if (counts.AddOrUpdate(_key, 0, static (_, count) => count - 1) == 0) counts.TryRemove(KeyValuePair.Create(_key, 0));
        }
    }
}

/// <summary>Streams at one moment.</summary>
public sealed record StreamCounts(IReadOnlyDictionary<NodeId, int> Nodes, IReadOnlyDictionary<MovieVersion, int> Versions)
{
    public static StreamCounts None { get; } = new(new Dictionary<NodeId, int>(), new Dictionary<MovieVersion, int>());
}
