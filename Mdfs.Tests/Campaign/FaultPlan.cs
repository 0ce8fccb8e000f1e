using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

public enum FaultKind
{
    /// <summary>SIGKILL, and started again.</summary>
    KillWorker,

    /// <summary>SIGKILL, and what was not fsynced is gone.</summary>
    PowerCutWorker,

    /// <summary>SIGTERM, and started again.</summary>
    StopWorker,
    FreezeWorker,

    /// <summary>Nobody reaches it: connections break, and new ones are refused.</summary>
    CutWorker,

    /// <summary>Nobody reaches it: connections stay, and nothing moves.</summary>
    HushWorker,

    /// <summary>It does not reach the master.</summary>
    CutBeats,
    HushBeats,
    KillMaster,
    StopMaster,
    FreezeMaster,

    /// <summary>The master reaches neither workers nor Redis, and they do not reach it.</summary>
    CutMaster,
    KillRedis,
    FreezeRedis,
    CutRedis,
    HushRedis,

    /// <summary>Every machine at once: workers, master, Redis. Redis keeps what a power cut leaves only if it fsyncs.</summary>
    PowerCutAll,
    FlipByte,
    Truncate,

    /// <summary>A byte of what a worker has written beside a replica.</summary>
    SpoilSidecar,

    /// <summary>The small worker's disk has no byte left.</summary>
    FillDisk,

    /// <summary>A worker's clock is an hour ahead, or behind.</summary>
    JumpClock,
}

/// <param name="Worker">Index of the worker that it meets, where it meets one.</param>
/// <param name="Gap">Since the one before it began; and then until clients have got so many answers more: on a slow machine faults would else meet nothing but processes that are just starting.</param>
/// <param name="Length">How long it lasts, where it does.</param>
/// <param name="Seed">For what else is left to chance, such as which replica and which byte.</param>
public sealed record Fault(int Number, FaultKind Kind, int Worker, TimeSpan Gap, int Answers, TimeSpan Length, int Seed)
{
    public override string ToString() => $"#{Number} {Kind} worker-{Worker + 1} for {Length.TotalSeconds:0.0} s";
}

/// <summary>What will go wrong in a campaign: a function of its seed alone, so that it can be had again.</summary>
public static class FaultPlan
{
    // Most of what happens to clusters happens to workers; what stops everything comes seldom, or nothing would ever be stored.
    private static readonly (FaultKind Kind, int Weight)[] _weights =
    [
        (FaultKind.KillWorker, 12), (FaultKind.PowerCutWorker, 14), (FaultKind.StopWorker, 4), (FaultKind.FreezeWorker, 10), (FaultKind.CutWorker, 6), (FaultKind.HushWorker, 6),
        (FaultKind.CutBeats, 5), (FaultKind.HushBeats, 5), (FaultKind.KillMaster, 6), (FaultKind.StopMaster, 2), (FaultKind.FreezeMaster, 4), (FaultKind.CutMaster, 3),
        (FaultKind.KillRedis, 5), (FaultKind.FreezeRedis, 3), (FaultKind.CutRedis, 4), (FaultKind.HushRedis, 3), (FaultKind.PowerCutAll, 2), (FaultKind.FlipByte, 12), (FaultKind.Truncate, 6),
        (FaultKind.SpoilSidecar, 6), (FaultKind.FillDisk, 5), (FaultKind.JumpClock, 5),
    ];

    // What a store has a part in: what becomes of workers' disks and lines is the same with either.
    private static readonly FaultKind[] _ofStores =
    [
        FaultKind.KillWorker, FaultKind.PowerCutWorker, FaultKind.KillMaster, FaultKind.StopMaster, FaultKind.FreezeMaster, FaultKind.CutMaster, FaultKind.KillRedis, FaultKind.FreezeRedis, FaultKind.CutRedis,
        FaultKind.HushRedis, FaultKind.PowerCutAll,
    ];

    /// <summary>What a campaign begins with, each once: every kind with Garnet, which most use, and with another Redis those that meet a store.</summary>
    public static IReadOnlyList<FaultKind> First(RedisKind store) => store == RedisKind.Garnet ? Enum.GetValues<FaultKind>() : _ofStores;

    public static IReadOnlyList<Fault> Make(int seed, int count, int workers, RedisKind store)
    {
        var random = new Random(seed);
        // Those in any order; then as it comes.
        FaultKind[] first = [.. First(store)];
        random.Shuffle(first);
        return [.. Enumerable.Range(0, count).Select(number => new Fault(
            number + 1, number < first.Length ? first[number] : Draw(random), random.Next(workers), Seconds(random, 0.1, 0.8), random.Next(2, 16), Seconds(random, 0.3, 3), random.Next()))];
    }

    private static FaultKind Draw(Random random)
    {
        var left = random.Next(_weights.Sum(one => one.Weight));
        return _weights.First(one => (left -= one.Weight) < 0).Kind;
    }

    private static TimeSpan Seconds(Random random, double from, double to) => TimeSpan.FromMilliseconds(Math.Round(1000 * (from + (random.NextDouble() * (to - from)))));
}
