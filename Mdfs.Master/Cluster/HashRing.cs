using System.Collections.Immutable;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// The consistent-hash ring (design, section 3): virtual node <i>i</i> of a node stands at the CRC-32 (IEEE) of the decimal <i>i</i> followed
/// by the node's ring key; a name belongs to the first virtual node at or after its own CRC-32, clockwise. Immutable.
/// </summary>
public sealed class HashRing
{
    public static readonly HashRing Empty = new([], []);

    private const int MostOnStack = 512;

    // Sorted by position; of two virtual nodes at one position the one whose ring key sorts first stands first, so that the order of
    // registration cannot move anything.
    private readonly uint[] _positions;

    // Places in Members: at a hundred nodes a walk over all of them passes several hundred virtual ones.
    private readonly int[] _owners;

    private HashRing(uint[] positions, NodeId[] owners)
    {
        _positions = positions;
        Members = [.. owners.Distinct()];
        var places = Members.Select((id, place) => (id, place)).ToDictionary(member => member.id, member => member.place);
        _owners = [.. owners.Select(owner => places[owner])];
    }

    /// <summary>Number of virtual nodes: the classic <c>ring_size</c>.</summary>
    public int Size => _positions.Length;

    public int NodeCount => Members.Length;

    /// <summary>Every node once, in no order that means anything.</summary>
    public ImmutableArray<NodeId> Members { get; }

    /// <param name="members">Node and its ring key.</param>
    /// <param name="virtualNodes">Virtual nodes per node.</param>
    public static HashRing Build(IEnumerable<(NodeId Id, string RingKey)> members, int virtualNodes)
    {
        var points = members
            .SelectMany(member => Enumerable.Range(0, virtualNodes)
                .Select(i => (Position: Hash(i.ToString(CultureInfo.InvariantCulture) + member.RingKey), member.RingKey, member.Id)))
            .OrderBy(point => point.Position).ThenBy(point => point.RingKey, StringComparer.Ordinal).ThenBy(point => point.Id)
            .ToImmutableArray();
        return new HashRing([.. points.Select(point => point.Position)], [.. points.Select(point => point.Id)]);
    }

    /// <summary>The nodes in the order in which the walk from this name meets them, each once.</summary>
    /// <param name="most">Nodes after which the walk may end.</param>
    public NodeId[] Walk(FileName name, int most = int.MaxValue)
    {
        var nodes = new NodeId[Math.Min(most, NodeCount)];
        Span<int> walk = nodes.Length <= MostOnStack ? stackalloc int[nodes.Length] : new int[nodes.Length];
        Walk(name, walk);
        for (var at = 0; at < walk.Length; at++) nodes[at] = Members[walk[at]];
        return nodes;
    }

    /// <summary>The same walk as places in <see cref="Members"/>, for who walks for every movie.</summary>
    /// <param name="walk">Takes as many places as it is long, which is <see cref="NodeCount"/> at most.</param>
    public void Walk(FileName name, Span<int> walk)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(walk.Length, NodeCount);
        Span<bool> met = NodeCount <= MostOnStack ? stackalloc bool[NodeCount] : new bool[NodeCount];
        var count = 0;
        for (var at = First(name); count < walk.Length; at = Next(at))
        {
            var owner = _owners[at];
            if (met[owner]) continue;
            met[owner] = true;
            walk[count++] = owner;
        }
    }

    private int First(FileName name)
    {
        if (_positions.Length == 0) return 0;
        var start = Array.BinarySearch(_positions, Hash(name.Value));
        if (start < 0) start = ~start;
        // BinarySearch may land on any of several equal positions; the walk begins at the first of them.
        while (start > 0 && start < _positions.Length && _positions[start - 1] == _positions[start]) start--;
        return start == _positions.Length ? 0 : start;
    }

    private int Next(int at) => at + 1 == _owners.Length ? 0 : at + 1;

    private static uint Hash(string text)
    {
        // A name has at most 255 bytes; a ring key may have more.
        Span<byte> bytes = stackalloc byte[512];
        return Encoding.UTF8.TryGetBytes(text, bytes, out var written) ? Crc32.HashToUInt32(bytes[..written]) : Crc32.HashToUInt32(Encoding.UTF8.GetBytes(text));
    }
}
