using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Up to four copies in eight bytes: 14 bits for the node's number, counted from one, and one each for damaged and verified. What is held is the same for all of them, so that it need not be kept for
/// each; where it is not, or there are more, an array is kept instead.
/// </summary>
/// <param name="Slots">The first copy in the lowest 16 bits.</param>
internal readonly record struct PackedHolders(ulong Slots)
{
    private const int Most = 4;
    private const int Bits = 16;
    private const int Damaged = 1 << 15;
    private const int Verified = 1 << 14;
    private const int Number = Verified - 1;

    public int Count
    {
        get
        {
            var count = 0;
            for (var slots = Slots; slots != 0; slots >>= Bits) count++;
            return count;
        }
    }

    /// <param name="replica">What all of them hold.</param>
    public Holder At(int at, ReplicaDescription replica, NodeNumbers nodes)
    {
        var slot = (int)(Slots >> (at * Bits)) & 0xFFFF;
        return new Holder(nodes[(slot & Number) - 1], (slot & Damaged) != 0, (slot & Verified) != 0, replica.Size, replica.Checksum);
    }

    public CopyTally Tally(CopyWorth worth)
    {
        var tally = default(CopyTally);
        for (var slots = Slots; slots != 0; slots >>= Bits) tally = worth.Add(tally, (int)(slots & Number) - 1, (slots & Damaged) != 0);
        return tally;
    }

    /// <summary>Null: they cannot be packed.</summary>
    public static PackedHolders? TryPack(ReadOnlySpan<Holder> holders, ReplicaDescription replica, NodeNumbers nodes)
    {
        if (holders.Length > Most) return null;
        var slots = 0UL;
        for (var at = 0; at < holders.Length; at++)
        {
            var number = nodes.Of(holders[at].Node) + 1;
            if (number > Number || !holders[at].Agrees(replica)) return null;
            slots |= (ulong)(uint)(number | (holders[at].Damaged ? Damaged : 0) | (holders[at].Verified ? Verified : 0)) << (at * Bits);
        }

        return new PackedHolders(slots);
    }
}
