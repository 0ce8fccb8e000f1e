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

    // Sorted by position; of two virtual nodes at one position the one whose ring key sorts first stands first, so that the order of
    // registration cannot move anything.
    private readonly uint[] _positions;
    private readonly NodeId[] _owners;

    private HashRing(uint[] positions, NodeId[] owners)
    {
        _positions = positions;
        _owners = owners;
        NodeCount = owners.Distinct().Count();
    }

    /// <summary>Number of virtual nodes: the classic <c>ring_size</c>.</summary>
    public int Size => _positions.Length;

    public int NodeCount { get; }

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

    /// <summary>All nodes in the order in which the walk from this name meets them, each once.</summary>
    public IEnumerable<NodeId> Walk(FileName name)
    {
        if (_positions.Length == 0) yield break;
        var start = Array.BinarySearch(_positions, Hash(name.Value));
        if (start < 0) start = ~start;
        // BinarySearch may land on any of several equal positions; the walk begins at the first of them.
        while (start > 0 && start < _positions.Length && _positions[start - 1] == _positions[start]) start--;

        var met = new HashSet<NodeId>(NodeCount);
        for (var step = 0; step < _owners.Length && met.Count < NodeCount; step++)
        {
            var owner = _owners[(start + step) % _owners.Length];
            if (met.Add(owner)) yield return owner;
        }
    }

    private static uint Hash(string text) => Crc32.HashToUInt32(Encoding.UTF8.GetBytes(text));
}
