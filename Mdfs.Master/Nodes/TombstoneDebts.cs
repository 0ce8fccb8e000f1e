using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>Which tombstones a node has yet to be told of. Under the registry's lock.</summary>
internal static class TombstoneDebts
{
    /// <summary>It has this one.</summary>
    public static void Holds(this NodeState state, Tombstone held)
    {
        if (state.OwedTombstones.TryGetValue(held.Name, out var owed) && owed.Tombstone.Bound <= held.Bound) state.OwedTombstones.Remove(held.Name);
        state.HeldTombstones[held.Name] = held.Bound;
    }

    /// <summary>It has told of all that it has.</summary>
    public static void OweWhatItLacks(this NodeState state, IEnumerable<Tombstone> all)
    {
        foreach (var tombstone in all)
        {
            if (state.HeldTombstones.TryGetValue(tombstone.Name, out var bound) && bound >= tombstone.Bound) continue;
            state.OwedTombstones[tombstone.Name] = (tombstone, 0);
        }

        state.HeldTombstones.Clear();
    }
}
