namespace Mdfs.Master.Cluster;

/// <summary>What a master does about an epoch it has heard of (design, section 2.7).</summary>
public enum EpochVerdict
{
    /// <summary>Nobody reigns above us.</summary>
    Reigns,

    /// <summary>Redis has a higher epoch: another master took over. Stop and say so.</summary>
    Replaced,

    /// <summary>A worker knows a higher epoch than Redis does: Redis went back or was lost. Raise our own above it, and rebuild.</summary>
    RaiseAbove,

    /// <summary>Redis stands below us: it went back while we ran. Write our memory into it before anything else.</summary>
    RestoreRedis,
}

/// <summary>One master at a time: the comparison of three epochs.</summary>
public static class EpochRules
{
    /// <summary>The epoch with which a master starts: above what Redis holds; null when Redis holds none.</summary>
    public static long First(long? inRedis) => (inRedis ?? 0) + 1;

    /// <param name="own">The epoch of this master.</param>
    /// <param name="heard">The highest epoch that a worker has told it.</param>
    /// <param name="inRedis">What Redis holds now, read after <paramref name="heard"/> was heard; null when it is missing.</param>
    public static EpochVerdict Judge(long own, long heard, long? inRedis) =>
        inRedis > own ? EpochVerdict.Replaced
        : heard > own ? EpochVerdict.RaiseAbove
        : inRedis is null || inRedis < own ? EpochVerdict.RestoreRedis
        : EpochVerdict.Reigns;

    /// <summary>Whether a worker obeys a master of this epoch.</summary>
    /// <param name="highest">The highest it has obeyed.</param>
    public static bool Obeys(long epoch, long highest) => epoch >= highest;
}
