using System.Collections.Concurrent;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>A copy that changes its place: it is made on the one node, and then goes from the other.</summary>
public sealed record Move(MovieVersion Version, NodeId From, NodeId To, long Size);

/// <summary>
/// The moves under way. A move names the copy that it removes, so that trimming, which otherwise chooses by placement, takes that one and no other
/// (design, section 6).
/// </summary>
public sealed class Moves
{
    private readonly ConcurrentDictionary<MovieVersion, Move> _all = new();

    public IReadOnlyList<Move> All => [.. _all.Values];

    public int Count => _all.Count;

    public Move? Find(MovieVersion version) => _all.GetValueOrDefault(version);

    /// <summary>One at a time per version.</summary>
    public bool TryAdd(Move move) => _all.TryAdd(move.Version, move);

    public void Remove(MovieVersion version) => _all.TryRemove(version, out _);
}
