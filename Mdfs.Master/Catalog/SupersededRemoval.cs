namespace Mdfs.Master.Catalog;

/// <summary>
/// When a replica of a version below the current one may be removed (design, section 4). Asked when the holder's beat is answered, never
/// earlier: the order that follows lives 10 s.
/// </summary>
public static class SupersededRemoval
{
    /// <param name="sinceSuperseded">Monotonic time since the version was superseded, or was first seen to be, whichever this master knows.</param>
    /// <param name="streamOpen">Whether any reader still has this version.</param>
    /// <param name="currentCopies">
    /// Counted copies of the current version: sealed, undamaged, not leaving, on live nodes that are not draining, reported to this master.
    /// </param>
    /// <param name="goal">The full number of copies: <see cref="Cluster.CopyGoal"/>.</param>
    public static bool IsDue(TimeSpan sinceSuperseded, TimeSpan grace, bool streamOpen, int currentCopies, int goal) =>
        sinceSuperseded >= grace && !streamOpen && currentCopies >= Math.Max(1, goal);
}
