namespace Mdfs.Master.Catalog.Store;

/// <summary>How bringing Redis and this master together ended.</summary>
internal enum Alignment
{
    /// <summary>Redis stands where this master left it, and nothing this master sent earlier can still land.</summary>
    Current,

    /// <summary>The same, and the doubtful transaction was carried out.</summary>
    CandidateStands,

    Replaced,

    /// <summary>Not known yet: the caller did not want to wait longer.</summary>
    GivenUp,
}

/// <summary>Something was sent and not answered.</summary>
/// <param name="Fence">The position of a transaction that does nothing but take the next sequence number, so that what is late can no longer have it.</param>
/// <param name="Candidate">The position Redis stands at if the doubtful transaction was carried out; null when it does not move the position.</param>
internal sealed record Doubt(StorePosition Fence, StorePosition? Candidate);

/// <summary>
/// One at a time, in order: whoever holds the lane may write. Knows where Redis should stand, and brings the two together again when they
/// differ.
/// </summary>
internal sealed class StoreLane(ConditionedRedis redis, MemoryRestorer restorer, CancellationToken stopped)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TaskCompletionSource<long> _replaced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile StorePosition? _mine;

    /// <summary>Where Redis should stand; null before the epoch was taken. Changed only in the lane.</summary>
    public StorePosition? Mine
    {
        get => _mine;
        set => _mine = value;
    }

    /// <summary>Read and changed only in the lane.</summary>
    public Doubt? Doubt { get; set; }

    /// <summary>Ends with the other master's epoch; never by itself otherwise.</summary>
    public Task<long> Replaced => _replaced.Task;

    public long? ReplacedBy => _replaced.Task.IsCompletedSuccessfully ? _replaced.Task.Result : null;

    /// <summary>Takes the lane, or answers false when it is still taken after the time.</summary>
    public Task<bool> EnterAsync(TimeSpan patience, CancellationToken cancellationToken) => _turn.WaitAsync(patience, cancellationToken);

    public void Leave() => _turn.Release();

    /// <summary>
    /// Asks Redis where it stands until there is something to act on. An unanswered transaction cannot be settled by reading alone: it may
    /// still lie in the socket of a frozen server and run after the reading. So a fence competes with it for the next sequence number;
    /// whichever wins, the other never can.
    /// </summary>
    /// <param name="giveUp">Asked before every round. Not waiting longer leaves the doubt as it is.</param>
    public async Task<Alignment> AlignAsync(Func<bool> giveUp)
    {
        while (true)
        {
            if (ReplacedBy is not null) return Alignment.Replaced;
            stopped.ThrowIfCancellationRequested();
            if (giveUp()) return Alignment.GivenUp;

            var doubt = Doubt;
            if (doubt is not null && await redis.SendAsync(Mine!, writer => writer.Position(doubt.Fence)).ConfigureAwait(false) == Sent.Applied)
                return Settled(doubt.Fence, Alignment.Current);

            if (await redis.ReadPositionAsync().ConfigureAwait(false) is not { } stored)
            {
                await redis.PauseAsync(stopped).ConfigureAwait(false);
                continue;
            }

            if (doubt is not null && stored == doubt.Candidate) return Settled(stored, Alignment.CandidateStands);
            if (doubt is not null && stored == doubt.Fence) return Settled(stored, Alignment.Current);
            switch (PositionVerdict.Judge(stored, Mine!))
            {
                case PositionVerdict.Same when doubt is null:
                    return Alignment.Current;
                case PositionVerdict.OwnEpoch own:
                    Mine = Mine! with { Epoch = own.Epoch };
                    continue;
                case PositionVerdict.Replaced by:
                    _replaced.TrySetResult(by.Epoch);
                    continue;
                case PositionVerdict.WentBack back when await restorer.RestoreAsync(stored, Mine!, back.Reason).ConfigureAwait(false) is { } restored:
                    return Settled(restored, Alignment.Current);
                default:
                    await redis.PauseAsync(stopped).ConfigureAwait(false);
                    continue;
            }
        }
    }

    private Alignment Settled(StorePosition position, Alignment alignment)
    {
        Mine = position;
        Doubt = null;
        return alignment;
    }
}
