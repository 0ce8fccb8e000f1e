using System.Collections;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>One node's copy of a version, as that node has reported it since the master started.</summary>
/// <param name="Damaged">Some block is bad: readable for its good blocks, not counted.</param>
/// <param name="Verified">Written or read whole and found good in the node's present life.</param>
public readonly record struct Holder(NodeId Node, bool Damaged, bool Verified, long Size, Checksum Checksum)
{
    /// <summary>Whether the bytes are those of this version at all; if not, the copy is quarantined and never read or counted.</summary>
    public bool Agrees(ReplicaDescription replica) => Size == replica.Size && Checksum == replica.Checksum;
}

/// <summary>Who holds a version, as it was at one moment.</summary>
public readonly struct Holders : IReadOnlyList<Holder>
{
    private readonly ReplicaDescription? _replica;
    private readonly PackedHolders _few;
    private readonly NodeNumbers? _nodes;
    private readonly Holder[]? _many;

    internal Holders(Holder[] many) => _many = many;

    /// <param name="replica">What all of them hold.</param>
    internal Holders(ReplicaDescription replica, PackedHolders few, NodeNumbers nodes) => (_replica, _few, _nodes) = (replica, few, nodes);

    public int Count => _many?.Length ?? _few.Count;

    public bool IsEmpty => Count == 0;

    public Holder this[int at] => _many is not null ? _many[at] : _few.At(at, _replica!, _nodes!);

    public Enumerator GetEnumerator() => new(this);

    IEnumerator<Holder> IEnumerable<Holder>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public struct Enumerator(Holders holders) : IEnumerator<Holder>
    {
        private readonly int _count = holders.Count;
        private int _at = -1;

        public readonly Holder Current => holders[_at];

        readonly object IEnumerator.Current => Current;

        public bool MoveNext() => ++_at < _count;

        public void Reset() => _at = -1;

        public readonly void Dispose()
        {
        }
    }
}
