namespace Mdfs.Master.Catalog.Store;

/// <summary>What a master makes of the position it finds in Redis when it knows another one to be right (design, section 2.7).</summary>
public abstract record PositionVerdict
{
    private PositionVerdict()
    {
    }

    /// <summary>Redis stands where this master left it.</summary>
    public sealed record Same : PositionVerdict;

    /// <summary>This master raised its own epoch and did not hear the answer.</summary>
    public sealed record OwnEpoch(long Epoch) : PositionVerdict;

    /// <summary>Another master reigns: this one must stop.</summary>
    public sealed record Replaced(long Epoch) : PositionVerdict;

    /// <summary>Redis was wiped, went back to an older state, or holds a half-written one: this master's memory is the truth.</summary>
    public sealed record WentBack(string Reason) : PositionVerdict;

    /// <param name="stored">As read from Redis.</param>
    /// <param name="mine">As this master left it.</param>
    public static PositionVerdict Judge(StorePosition stored, StorePosition mine)
    {
        if (stored.Epoch > mine.Epoch)
        {
            // The mark is drawn once per master: a higher epoch under it is the one this master asked for.
            return stored.Reign == mine.Reign ? new OwnEpoch(stored.Epoch.Value) : new Replaced(stored.Epoch.Value);
        }

        if (stored.Epoch is null) return new WentBack("Redis holds no epoch: it was wiped, or replaced by an empty one");
        if (stored.Epoch < mine.Epoch) return new WentBack($"Redis holds epoch {stored.Epoch}, lower than ours, {mine.Epoch}: it went back to an older state");

        // The same number twice: a master that started after Redis had gone back could not know ours. It is the later one. Stopping is
        // always safe, and whoever starts us again draws a higher number.
        if (stored.Reign is not null && stored.Reign != mine.Reign) return new Replaced(stored.Epoch.Value);
        if (stored.Sequence is null) return new WentBack("Redis holds no sequence number: it was wiped");
        if (stored.Sequence < mine.Sequence) return new WentBack($"Redis holds sequence {stored.Sequence}, lower than ours, {mine.Sequence}: it went back to an older state");
        if (stored.Marker is not null && stored.Marker != mine.Marker) return new WentBack("writing the catalog back into Redis was interrupted");
        if (stored == mine) return new Same();
        return new WentBack($"Redis holds a transaction at sequence {stored.Sequence} that is not the last one of this master");
    }
}
